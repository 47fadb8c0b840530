# Every target is a plain go command; docs/HACKING.md says when to use which.
.PHONY: check test race fuzz story demo bench ci generate

FILE ?= .
PKG  ?= ./...
TIME ?= 30s

check: # what is quick to know before a commit
	test -z "$$(gofmt -l . | tee /dev/stderr)"
	go vet ./...
	go tool staticcheck ./...
	go mod tidy -diff

test:
	go test ./...

race:
	go test -race -short ./...

fuzz: # make fuzz PKG=./wire FUZZ=FuzzParseEnvelope TIME=1m
	go test -run '^$$' -fuzz '^$(FUZZ)$$' -fuzztime $(TIME) $(PKG)

story: # make story FILE=join
	go test ./chord/chordtest -run 'Stor(y|ies)/$(FILE)' -v

demo:
	go run ./cmd/cicada demo

bench: # make bench PKG=./routing
	go test -run '^$$' -bench . -benchmem $(PKG)

ci:
	.ci/run

generate: # needs protoc, and protoc-gen-go in the version of go.mod
	go generate ./...
