"""One function over many items: here, by processes of this machine, or on Ray; from folders and object stores."""
