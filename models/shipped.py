"""The weights that come with the program, by the SHA-256 of their files.

Written by ``python -m tools.train``: a file that does not have its hash is not loaded.
"""

SHIPPED: dict[str, str] = {
    "aami": "b1076c0178eda8f34ca8aa1e16a57be0db76195312892eff5eb92d5dd1ba7cd8",
}
