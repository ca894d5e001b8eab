"""What a stack costs a month: ``make cost``. Others take ``tools.cost.summary``."""
