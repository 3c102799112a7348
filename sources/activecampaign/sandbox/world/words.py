"""The words that the invented tea company's rows are made of."""

PEOPLE = (
    ("Léa", "Moreau"),
    ("Mateo", "Fernández"),
    ("Aiko", "Tanaka"),
    ("Zofia", "Wiśniewska"),
    ("Chinedu", "Okafor"),
    ("Priya", "Raghunathan"),
    ("Søren", "Kjærgaard"),
    ("Nguyễn", "Thị Lan"),
    ("Grace", "O’Donnell"),
    ("Jürgen", "Weiß"),
    ("Anaïs", "Le Goff"),
    ("Dmitri", "Sokolov"),
    ("Kemal", "Yıldırım"),
    ("Wanjiru", "Kamau"),
    ("Thabo", "Mokoena"),
    ("Isabela", "Conceição"),
    ("Eilidh", "MacLeod"),
    ("Bence", "Kovács"),
    ("Mei", "Zhang"),
    ("Rohan", "D’Souza"),
    ("Sina", "Hosseini"),
    ("Leilani", "Kahale"),
    ("Oskar", "Lindqvist"),
    ("Maribel", "Quispe"),
    ("Jean-Baptiste", "N’Diaye"),
    ("שרה", "כהן"),
    ("ليلى", "الحداد"),
    ("Ольга", "Іваненко"),
    ("美咲", "佐藤"),
    ("민준", "김"),
    ("Αθηνά", "Παπαδοπούλου"),
    ("Rosie 🍃", "Hart"),
)

COMPANIES = (
    "Quay Cafe",
    "Salon de Thé Belleville",
    "Kissaten Nagomi",
    "Fenland Grocers — Ely",
    "Blue Kettle Roasters",
    "Hotel Bergkristall",
    "Padaria São Bento",
    "The Copper Samovar",
    "Nordlys Bryggeri & Te",
    "Casa del Mate",
    "Marrow & Mint",
    "Clarke, Ito & Sons",
    "بيت الشاي",
    "Lantern Street Books",
    "Verdant Spa",
    "Puffin Ferries",
    "Obłoki Herbaciarnia",
    "Rook Lane Bakery",
)

TEAS = (
    "Darjeeling first flush",
    "Tie Guan Yin",
    "Sencha",
    "Lapsang",
    "Pu’er 2014",
    "Moroccan mint",
    "Earl Grey",
    "Rooibos",
    "Genmaicha",
    "White peony",
    "Yuzu green",
    "Masala chai",
)

DEALS = (
    "Cafe supply — {company}",
    "{company}: autumn tasting",
    "{tea} for {company}",
    "Gift boxes, {company}",
    "Private label “{tea}”",
    "{company} office pantry",
    "Festival stand 🎪 {company}",
)

LISTS = (
    ("tea-club", "Tea Club", "You joined the club"),
    ("newsletter", "Sunday Steep — newsletter", "You asked for our Sunday letter"),
    ("wholesale", "Wholesale partners", "You buy from us for your business"),
    ("events", "Tastings & events", "You came to one of our tastings"),
    ("back-in-stock", "Back in stock", "You asked to hear when a tea is back"),
)

TAGS = (
    "wholesale",
    "loose leaf",
    "tea bags",
    "matcha",
    "VIP ⭐",
    "tasting 2025",
    "lapsed",
    "gift buyer",
    "café",
    "hotel",
    "press",
    "subscriber — monthly",
    "subscriber — yearly",
    "complaint solved",
    "שחור",
    "summer",
)

CAMPAIGNS = (
    "Spring flush is here",
    "Back in stock: {tea}",
    "A letter from the harbour",
    "Iced teas — the summer box 🧊",
    "{tea}, two ways",
    "Holiday gift guide",
    "We miss you",
    "Tasting night invitation",
)

AUTOMATIONS = (
    "Welcome",
    "Abandoned basket",
    "Birthday cup 🎂",
    "Win back after 90 days",
    "Wholesale onboarding",
    "Tasting reminder",
    "Review request",
)

PIPELINES = (
    ("Wholesale", "usd", ("To Contact", "Samples sent", "Tasting", "Terms agreed", "First order")),
    ("Events", "usd", ("Enquiry", "Quote", "Booked", "Served")),
    ("Hotels — Europe", "eur", ("To Contact", "Samples sent", "Négociation", "Contract")),
)

STAGE_COLOURS = ("19CCA3", "32B0FC", "FFC800", "FF8A00", "7A5CFA")

FIELDS = (
    ("Favourite tea", "dropdown", ("Green tea", "Black tea", "Oolong", "Herbal")),
    ("Birthday", "date", ()),
    ("Cups a day", "text", ()),
    ("Brews with", "checkbox", ("Loose leaf", "Bags", "Gaiwan")),
    ("Water hardness", "radio", ("Soft", "Medium", "Hard")),
    ("Notes from the shop", "textarea", ()),
)

USERS = (
    ("mira.holt", "Mira", "Holt", ""),
    ("tomek", "Tomek", "Zając", "+48221234567"),
    ("ana.lucia", "Ana Lúcia", "Prado", "+15550142"),
    ("reporting", "Reporting", "", ""),
    ("noor", "نور", "الحداد", ""),
)

FORMS = ("Footer", "Pop-up — first order", "Wholesale enquiry", "Tasting sign-up")

SEGMENTS = ("", "Bought in spring", "Opens, never clicks", "Cafés — north", "Matcha lovers 🍵")

SCORES = (("contact", "Engagement"), ("contact", "Likely to reorder"), ("deal", "Closeness"))

NOTES = (
    "Likes {tea} — call in June",
    "Asked for a price list; sends a driver on Tuesdays",
    "Allergic to nuts!",
    "“{tea}” was too dark for them",
    "מעדיפים שיחה אחרי הצהריים",
)
