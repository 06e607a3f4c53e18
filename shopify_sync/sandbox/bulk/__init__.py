"""How bulk operations are checked (rules.py), carried out (lines.py, imports.py), and their files served (http.py)."""
