"""A server that behaves as ActiveCampaign's API was recorded to, with invented rows: for demos, tests and benches."""
