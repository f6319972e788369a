# The gateway alone: hash-locked packages in a venv, no compiler, no root.
FROM python:3.11.14-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/triplegate
COPY requirements.lock /build/
RUN /opt/triplegate/bin/pip install --require-hashes --no-deps -r /build/requirements.lock
COPY pyproject.toml README.md LICENSE /build/
COPY src /build/src
COPY policies /build/policies
COPY providers /build/providers
RUN /opt/triplegate/bin/pip install --no-deps --no-build-isolation /build

FROM python:3.11.14-slim-bookworm
LABEL org.opencontainers.image.title="triplegate" \
      org.opencontainers.image.description="API gateway, LLM gateway and MCP gateway in one process" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 triplegate \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin triplegate \
 && install -d -o triplegate -g triplegate -m 0700 /var/lib/triplegate \
 && install -d -m 0755 /etc/triplegate
COPY --from=build /opt/triplegate /opt/triplegate
ENV PATH=/opt/triplegate/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    TRIPLEGATE_HOST=0.0.0.0 TRIPLEGATE_STATE_DIR=/var/lib/triplegate
USER 10001:10001
WORKDIR /var/lib/triplegate
VOLUME /var/lib/triplegate
# 8080 data. 8083 is the status listener, once it is asked for. The control listener stays on the container's loopback.
EXPOSE 8080 8083
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8081/readyz', timeout=2)"]
ENTRYPOINT ["triplegate"]
CMD ["serve", "--config", "/etc/triplegate"]
