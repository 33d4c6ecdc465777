"""The weights that come with the program, by the SHA-256 of their files.

Written by ``python -m tools.train``: a file that does not have its hash is not loaded.
"""

SHIPPED: dict[str, str] = {
    "aami": "c40a8d38ca885e44472f2161ba9a418a6cf27ede3ae21e0189cebc3cd3d58431",
    "cnn": "33a699b5eccd2ee04347f20b3161f74ff8369375e1b3366fbc6da811ea841b68",
    "kaggle5": "68696b59119bb5f3e845b0b831145894d8647629545de67078446d1034d5eb2b",
    "lstm": "a772fac1e871090beaf0da9d2b2528d3aaae255dc7d610260a2e315e9784bfc5",
    "normal-abnormal": "37d8b00a1a34c851cf580c644052ab33b49a699a6e17d71dd9c71e1eb0db851c",
}
