# The server of the annotator, and a worker of a Ray cluster; see compose.yaml.
FROM python:3.12-slim

WORKDIR /tamis
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY src src
RUN pip install --no-cache-dir -c constraints.txt ".[postgres,retrieval,scale]"

# Not root: people's images are read, and .tamis beside them is written.
RUN useradd --create-home tamis && mkdir /cache && chown tamis /cache
USER tamis
ENV TAMIS_CACHE=/cache
EXPOSE 8000
CMD ["tamis", "--help"]
