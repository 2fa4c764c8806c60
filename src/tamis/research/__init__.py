"""The claims of the research notes, each as an experiment that anybody can run again."""
