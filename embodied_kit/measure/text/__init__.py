"""Personal information in text: what is found is counted and placed, the text itself never leaves this package."""
