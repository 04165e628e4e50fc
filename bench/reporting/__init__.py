"""From records to what people read: tables, figures, galleries, the page."""
