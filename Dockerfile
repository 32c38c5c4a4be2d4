FROM python:3.13-slim AS build
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1
WORKDIR /app

COPY requirements-uv.lock ./
RUN python -m venv /opt/uv \
 && /opt/uv/bin/pip install --no-cache-dir --require-hashes -r requirements-uv.lock
# The dependencies change seldom and the source often: two steps, so that the first is kept.
COPY requirements.lock ./
RUN /opt/uv/bin/uv venv .venv \
 && /opt/uv/bin/uv pip sync --require-hashes requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY service service
COPY migrations migrations
# Editable, so that migrations/ stays beside service/ as in the repository.
RUN /opt/uv/bin/uv pip install --no-deps --editable . \
 && .venv/bin/python -m compileall -q service migrations \
 && chmod -R a+rX /app

FROM python:3.13-slim
# Where SQLite's file lies if no database is named; the one place the service may write.
RUN install -d -o 10001 -g 10001 /data
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 GRAFTWATCH_HOST=0.0.0.0
WORKDIR /data
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", "import http.client as h, os, sys; c = h.HTTPConnection('127.0.0.1', int(os.environ.get('GRAFTWATCH_PORT', '8000')), timeout=4); c.request('GET', '/health/ready'); sys.exit(c.getresponse().status != 200)"]
CMD ["graftwatch", "serve"]
