"""A server that behaves as ActiveCampaign's API was recorded to, with invented rows: for demos, tests and benches.

What others saw on live accounts stands beside the fact as `observed:`, with who saw it and how sure it is: A measured
and told with numbers or a control, B several independent programs depend on it, C one does, D a hint. All of it is of
2022 to 2026, and none of it was seen by us.

    AG  an agency's measurements of an Australian account, 4,800 contacts, July 2026
    RP  incident log of a registry, with probes, 14,000 contacts, August and September 2026
    NL  a newsletter sender's server, August to October 2026
    BAM an arts house that pulled its whole history of engagement every night, 2023 to 2024
    4G  a school's dashboard of 47,000 deals, 2026
    JV  18,000 contacts read whole with what belongs to them, October 2026
    MF  a lender's dashboard, 190,000 values of accounts and custom objects, 2026
    ER  error pages that a customer of a big account kept, October 2022
    FY, ED, EI, CA, WW, AD, MD, A2, OS  dashboards and warehouses, 2025 and 2026
    FC, BF, OO, SY, CO  an importer run by many sites, a backfill, an opt-out service, a history, a walk-through
    PP  other public programs
"""
