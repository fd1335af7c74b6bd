"""What only many episodes together show: duplicates, drift, outliers, leakage, diversity (table `corpus`)."""
