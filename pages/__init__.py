"""The app: one flat script a page, and what pages share."""
