package reference_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"

	"cicada/cmd/cicada/internal/reference"
)

// odd is a command line with all that outputs have to cope with.
type odd struct {
	Config string  `placeholder:"FILE.yaml" help:"Before a command, with a value."`
	Open   openOdd `cmd:"" help:"${text}"`
	Shut   struct {
		Rest []string `arg:"" optional:"" placeholder:"FILE"`
	} `cmd:"" help:"To shut."`
	About struct {
		Of string `arg:"" placeholder:"COMMAND"`
	} `cmd:"" help:"As odd open does."`
	Lurk struct{} `cmd:"" hidden:"" help:"Nobody knows."`
}

type openOdd struct {
	Colour string `short:"c" enum:"red,green" default:"red" help:"${text}"`
	Sure   bool   `negatable:"" help:"Be sure."`
	Quick  bool   `negatable:"slow" help:"Be quick."`
	Lurk   string `hidden:""`
	Much   int    `short:"m" type:"counter"`
	Join   []string
	In     string `placeholder:"DIR"`
	First  string `arg:"" enum:"one,two"`
	Second string `arg:"" placeholder:"SCRIPT" optional:""`
}

// text has what shells and roff take for their own.
const text = `.It's 5% "odd": [a] $HOME \n \'` + " `x` {y} (z) ^~* é."

// Help is shown by --help.
func (*openOdd) Help() string {
	return `'quoted' at the beginning.

    .code
    'with "dots" \and -dashes` + "`" + `

Example: odd open --colour 'red' -c green one \* && it\'s`
}

// Files has a name that roff would take for a request.
func (*openOdd) Files() []reference.Entry {
	return []reference.Entry{{Name: ".odd", Text: "'Hidden', in HOME."}}
}

func program(t testing.TB) *reference.Program {
	t.Helper()
	parser, err := kong.New(new(odd), kong.Name("odd"), kong.Description("To be odd."), kong.Vars{"text": text})
	if err != nil {
		t.Fatal(err)
	}
	p, err := reference.New(parser.Model)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var about = reference.About{Date: "2026-11-21", Exits: []reference.Entry{{Name: "0", Text: "It's done."}}}

// TestShells types into real shells, as the stories in testdata tell.
func TestShells(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:      "testdata",
		Deadline: time.Now().Add(time.Minute), // a shell that takes a line for unfinished waits for ever
		Setup: func(env *testscript.Env) error {
			for _, shell := range []string{"bash", "zsh", "fish"} {
				script, err := program(t).Completion(shell)
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(env.WorkDir, "odd."+shell), []byte(script), 0o644); err != nil {
					return err
				}
			}
			return nil
		},
		Condition: tool,
	})
}

// tool decides the condition tool:NAME, that a tool is here. Where all are
// required, one that is missing is an error.
func tool(condition string) (bool, error) {
	name, ok := strings.CutPrefix(condition, "tool:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", condition)
	}
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CICADA_REQUIRE") == "all" {
			return false, fmt.Errorf("CICADA_REQUIRE=all: %w", err)
		}
		return false, nil
	}
	return true, nil
}

func TestManPagesAreProperRoff(t *testing.T) {
	if here, err := tool("tool:mandoc"); err != nil {
		t.Fatal(err)
	} else if !here {
		t.Skip("no mandoc here")
	}
	for _, command := range program(t).Commands() {
		page, ok := program(t).Page(command, about)
		if !ok {
			t.Fatalf("%q has no page", command)
		}
		lint := exec.Command("mandoc", "-T", "lint", "-W", "warning")
		lint.Stdin = strings.NewReader(page)
		if said, err := lint.CombinedOutput(); err != nil {
			t.Errorf("mandoc says of the page of %q: %v\n%s\n%s", command, err, said, page)
		}
	}
}

// A page shows the very characters of the texts, so that examples can be pasted.
func TestManPagesShowWhatIsThere(t *testing.T) {
	if here, err := tool("tool:mandoc"); err != nil {
		t.Fatal(err)
	} else if !here {
		t.Skip("no mandoc here")
	}
	page, _ := program(t).Page("open", about)
	show := exec.Command("mandoc", "-T", "utf8", "-O", "width=200")
	show.Stdin = strings.NewReader(page)
	shown, err := show.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string // without bold and underlined letters
	for line := range strings.Lines(string(shown)) {
		runes := []rune(strings.TrimRight(line, "\n"))
		var plain []rune
		for i, r := range runes {
			if r != '\b' && (i+1 == len(runes) || runes[i+1] != '\b') {
				plain = append(plain, r)
			}
		}
		got = append(got, strings.TrimSpace(string(plain)))
	}
	want := strings.Split(strings.TrimSpace(`
odd-open - `+strings.TrimSuffix(text, ".")+`
odd open <first> [<second>] [flags]
`+text+`
'quoted' at the beginning.
.code
'with "dots" \and -dashes`+"`"+`
-c, --colour="red"
--sure, --no-sure
--quick, --slow
-m, --much
--join=JOIN,...
odd open --colour 'red' -c green one \* && it\'s
.odd   'Hidden', in HOME.
odd(1), odd-about(1)`), "\n")
	for _, line := range got {
		if len(want) > 0 && line == want[0] {
			want = want[1:]
		}
	}
	if len(want) > 0 {
		t.Errorf("got\n%s\nwant therein, in this order and still missing:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// groff shows these as others, which could not be pasted; mandoc does not.
func TestManPagesHaveNoCharacterThatGroffReplaces(t *testing.T) {
	page, _ := program(t).Page("open", about)
	for line := range strings.Lines(page) {
		if strings.ContainsAny(line, "^~`\"") && !strings.HasPrefix(line, ".TH ") || strings.Contains(line, "'") {
			t.Errorf("got %q, want escapes", line)
		}
	}
}

func TestWhatIsHiddenStaysHidden(t *testing.T) {
	p := program(t)
	texts := make(map[string]string)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, err := p.Completion(shell)
		if err != nil {
			t.Fatal(err)
		}
		texts[shell] = script
	}
	for _, command := range p.Commands() {
		page, _ := p.Page(command, about)
		texts[p.PageName(command)] = page
	}
	if len(texts) != 3+4 {
		t.Errorf("got %d texts, want three scripts, and pages of the program and its three commands that are not hidden", len(texts))
	}
	for name, text := range texts {
		if strings.Contains(strings.ToLower(text), "lurk") || strings.Contains(text, "Nobody") {
			t.Errorf("%s tells what is hidden:\n%s", name, text)
		}
	}
}

func TestUnknownNamesAreErrors(t *testing.T) {
	if script, err := program(t).Completion("tcsh"); err == nil {
		t.Errorf("got a script for tcsh: %s", script)
	}
	if page, ok := program(t).Page("lurk", about); ok {
		t.Errorf("got a page of a hidden command: %s", page)
	}
	var deep struct {
		Outer struct {
			Inner struct{} `cmd:""`
		} `cmd:""`
	}
	parser, err := kong.New(&deep)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reference.New(parser.Model); err == nil {
		t.Error("commands inside commands were accepted, and would be left out")
	}
}
