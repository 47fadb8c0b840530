package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"cicada/control"
)

// Who writes a log waits for nobody, however much there is and whoever does not read
// it. What was dropped is counted, at the place where it is missing.
func TestALogDoesNotWaitForItsReader(t *testing.T) {
	for _, more := range []string{"", "the log goes on\n"} {
		const lines = 100_000
		reader, stdout := io.Pipe() // which keeps nothing
		out := newConsole(stdout, io.Discard)
		log := out.logWriter()
		line := append(bytes.Repeat([]byte("x"), 99), '\n')
		for range lines {
			if n, err := log.Write(line); n != len(line) || err != nil {
				t.Fatalf("got %d, %v", n, err)
			}
		}
		said := make(chan struct{})
		go func() {
			out.say("a result")
			if more != "" {
				_, _ = io.WriteString(log, more)
			}
			out.flush()
			stdout.Close()
			close(said)
		}()
		text, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		<-said
		kept := bytes.Count(text, line)
		if want := maxBacklog / len(line); kept != want {
			t.Errorf("%d lines were kept, want %d", kept, want)
		}
		rest := string(text[kept*len(line):])
		want := fmt.Sprintf("%d lines of the log were dropped", lines-kept)
		if strings.Count(rest, "a result\n") != 1 || strings.Count(rest, want) != 1 || !strings.HasSuffix(rest, "\n"+more) {
			t.Errorf("after the lines of the log there is %q, want a result, %q and %q", rest, want, more)
		}
	}
}

// How many lines were dropped stands where they are missing, though others follow
// before all is read.
func TestDroppedLinesAreToldWhereTheyAreMissing(t *testing.T) {
	reader, stdout := io.Pipe()
	out := newConsole(stdout, io.Discard)
	log := out.logWriter()
	line := append(bytes.Repeat([]byte("x"), 1023), '\n')
	for range 2 * maxBacklog / len(line) {
		_, _ = log.Write(line)
	}
	if _, err := io.ReadFull(reader, make([]byte, maxBacklog/4*3)); err != nil {
		t.Fatal(err)
	}
	_, _ = log.Write([]byte("the log goes on\n"))
	go func() {
		out.flush()
		stdout.Close()
	}()
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(text), "1024 lines of the log were dropped")
	if !found || strings.Contains(before, "goes on") || !strings.HasSuffix(after, "\nthe log goes on\n") {
		t.Errorf("got %q, want the dropped lines told before the log goes on", text[max(0, len(text)-300):])
	}
}

// A result waits until somebody reads it, and no longer than an interrupt allows;
// then the last word is heard all the same.
func TestAnInterruptEndsWaitingForAReader(t *testing.T) {
	reader, stdout := io.Pipe()
	defer reader.Close()
	var stderr bytes.Buffer
	out := newConsole(stdout, &stderr)
	ctx, interrupt := context.WithCancel(t.Context())
	out.interrupted = ctx.Done()
	said := make(chan struct{})
	go func() {
		out.say("never read")
		out.say("nor this")
		out.flush()
		close(said)
	}()
	select {
	case <-said:
		t.Error("a result did not wait for its reader")
	case <-time.After(10 * time.Millisecond):
	}
	interrupt()
	<-said
	if err := out.failure(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the interrupt", err)
	}
	if code := conclude(ctx, out, out.failure()); code != exitInterrupted || stderr.String() != "cicada: interrupted\n" {
		t.Errorf("got exit code %d and %q", code, stderr.String())
	}
}

// A peer whose log and words nobody reads still does what it is for, and ends at the
// first interrupt, properly.
func TestAnInterruptEndsAPeerThatNobodyReads(t *testing.T) {
	if goruntime.GOOS == "windows" {
		t.Skip("a Windows process cannot send another one an interrupt")
	}
	reader, stdout := fullPipe(t)
	defer reader.Close()
	folder := shortFolder(t)
	command := exec.Command(os.Args[0], "up", "--bind", "127.0.0.1:0", "--state", folder, "--no-port-mapping", "--stdout", "-d")
	command.Env = append(os.Environ(), asCommand+"=1")
	command.Stdout, command.Stderr = stdout, stdout
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	p := &process{folder: folder, client: control.NewClient(filepath.Join(folder, socketFile))}
	defer p.client.Close()
	err := control.ErrNotRunning
	for errors.Is(err, control.ErrNotRunning) {
		<-time.After(10 * time.Millisecond)
		_, err = p.client.Status(t.Context())
	}
	address := p.status(t).Address.String()
	for range 100 { // each is worth a line of the log, or more
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	p.status(t)
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	select {
	case err := <-ended:
		if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
			t.Errorf("got %v, want exit code %d", err, exitInterrupted)
		}
	case <-time.After(storyPatience):
		_ = command.Process.Kill()
		t.Fatal("it did not end")
	}
	if _, err := os.Lstat(filepath.Join(folder, socketFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its socket is still there: %v", err)
	}
}

// fullPipe returns a pipe that takes nothing more.
func fullPipe(t *testing.T) (reader, writer *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	for chunk := 4096; chunk > 0; chunk /= 2 { // down to the last byte
		for err = nil; err == nil; {
			if err = writer.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err == nil {
				_, err = writer.Write(make([]byte, chunk))
			}
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
	return reader, writer
}
