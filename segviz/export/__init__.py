"""Files of a record to take home: pictures, animations, archives and reports."""
