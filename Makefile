# make run     a server on http://localhost:8080, in development mode, with its data in ./data
# make build   one static binary, bin/admit
# make test    everything, cheap steps first; installs or names what it needs
# make quick   what a change should pass before it is committed, in a minute or two
# make lint    formatting, vet, staticcheck, known vulnerabilities
# make fuzz    each fuzz target for FUZZTIME (default 30s)
# make bench   the side-by-side benchmark, which writes docs/reference/performance.md; with the servers that
#              make peers has built in PEERS_DIR (default .cache/peers), else without them
# make peers   build the servers that the benchmark compares with, from their sources (a quarter of an hour)
# make growth  memory, start and checks from 10^3 to 10^7 grants, which writes docs/reference/growth.md (a quarter of an hour, 8 GB of disk)
# make soak    live with a server for SOAK (default 10m) on each database: logins, grants, rotation, restarts

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -s -w $(if $(VERSION),-X github.com/admit-id/admit/internal/app.version=$(VERSION))
GOBUILD := CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)'
FUZZTIME ?= 30s
SOAK ?= 10m

.PHONY: run build test quick lint fuzz bench peers growth soak deps clean

run: build
	./bin/admit serve --dev

build:
	$(GOBUILD) -o bin/admit ./cmd/admit

test:
	./scripts/test.sh

quick:
	./scripts/test.sh quick

lint:
	./scripts/test.sh lint

fuzz:
	./scripts/fuzz.sh $(FUZZTIME)

bench: build
	./scripts/bench.sh

peers:
	./scripts/peers.sh

growth: build
	go run ./test/growth -binary bin/admit -out docs/reference/growth.md -plot docs/images/growth.svg

soak:
	./scripts/test.sh soak $(SOAK)

deps:
	./scripts/deps.sh

clean:
	rm -rf bin test/artifacts test/.bin
