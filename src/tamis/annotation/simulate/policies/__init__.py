"""Ways of annotating a dataset: what is proposed, and which image comes next. One small file each."""
