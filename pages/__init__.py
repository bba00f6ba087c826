"""The app: one flat script for each question, and the parts they share."""
