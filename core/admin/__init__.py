"""Lists, forms, boards and record pages, built from Screens. Flask-Admin lives here and nowhere else."""
