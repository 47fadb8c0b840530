package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A simulator carries out runs, one at a time, and keeps what came of them.
type simulator struct {
	folder   string
	run      func(ctx context.Context, flags []string) (printed []byte, err error) // cicada sim FLAGS
	progress io.Writer
}

// all carries out the runs, or those of them that have no result yet. After each the
// file that it belongs to is written anew, and so an error or an interrupt costs no
// more than the run that it ends.
func (s *simulator) all(ctx context.Context, runs []run, missing bool) error {
	kept := make(map[string]map[string][]byte)
	var todo []run
	for _, set := range sets(runs) {
		lines, _, err := readLines(s.folder, set, runs)
		if err != nil {
			return err
		}
		kept[set] = lines
	}
	for _, r := range runs {
		if kept[r.set][r.command()] == nil || !missing {
			todo = append(todo, r)
		}
	}
	for i, r := range todo {
		fmt.Fprintf(s.progress, "%d of %d: %s\n", i+1, len(todo), r.command())
		began := time.Now()
		line, err := s.one(ctx, r)
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted after %d of %d runs; their results are in %s, the others are as before", i, len(todo), s.folder)
		}
		if err != nil {
			return err
		}
		kept[r.set][r.command()] = line
		if err := writeLines(s.folder, r.set, runs, kept[r.set]); err != nil {
			return err
		}
		fmt.Fprintf(s.progress, "   %v\n", time.Since(began).Round(time.Second))
	}
	return nil
}

// one carries out one run.
func (s *simulator) one(ctx context.Context, r run) ([]byte, error) {
	printed, err := s.run(ctx, append(strings.Fields(r.flags), "--json"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.command(), err)
	}
	return r.line(printed)
}

// A program is cicada, built from this repository.
type program struct {
	path   string
	stderr io.Writer
}

// build makes the program in a folder of its own.
func build(ctx context.Context, scratch string, stderr io.Writer) (*program, error) {
	p := &program{filepath.Join(scratch, "cicada.exe"), stderr} // Windows runs nothing else, and others do not mind
	c := exec.CommandContext(ctx, "go", "build", "-o", p.path, "cicada/cmd/cicada")
	c.Stderr = stderr
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("go build: %w", err)
	}
	return p, nil
}

// sim runs cicada sim and returns what it printed. Its progress goes where that of
// this program goes.
func (p *program) sim(ctx context.Context, flags []string) ([]byte, error) {
	const patience = 10 * time.Second // then it is killed
	c := exec.CommandContext(ctx, p.path, append([]string{"sim"}, flags...)...)
	var stdout bytes.Buffer
	c.Stdout, c.Stderr = &stdout, p.stderr
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = patience
	err := c.Run()
	return stdout.Bytes(), err
}
