"""Images whose every pixel has a class: layouts, class tables, the pipelines of training."""
