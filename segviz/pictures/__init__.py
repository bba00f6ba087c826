"""Maps and labels as colours: panels, palettes and lettering."""
