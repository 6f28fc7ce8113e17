"""What invoices call their fields, in German, French, Italian, English and Dutch."""
