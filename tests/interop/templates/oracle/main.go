// The original to hold our templates against: Go's text/template with sprig's functions.
//
// Reads one case a line from standard input, as JSON, and answers each with one line of JSON: what it
// renders to, or the stage at which it fails and Go's error.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"text/template"
	"time"
	_ "time/tzdata" // for machines without a database of time zones

	"github.com/Masterminds/sprig"
)

const (
	patience  = 5 * time.Second
	maxOutput = 16 << 20
	maxStack  = 64 << 20
)

// What reaches out of the process. Neither External Secrets nor Sealed Secrets has them.
var withheld = []string{"env", "expandenv", "getHostByName"}

// problem is one line of the input. []byte travels as base64, for a template may hold any bytes.
type problem struct {
	Template   []byte          `json:"template"`
	Name       string          `json:"name"`
	Missing    string          `json:"missing"`
	Delimiters [2]string       `json:"delimiters"`
	Values     json.RawMessage `json:"values"`
	// Whether the root is a map[string]string, as it is for Sealed Secrets.
	Strings bool `json:"strings"`
	// Whether all that is asked is whether the template is one.
	Parse bool `json:"parse"`
}

type answer struct {
	Output []byte `json:"output"`
	Fails  string `json:"fails,omitempty"`
	Error  string `json:"error,omitempty"`
}

// bounded keeps what is written to it, up to a limit.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(data []byte) (int, error) {
	if b.Len()+len(data) > maxOutput {
		return 0, errors.New("too much output")
	}
	return b.Buffer.Write(data)
}

func functions() template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, name := range withheld {
		delete(all, name)
	}
	return all
}

func (p *problem) root() (interface{}, error) {
	if p.Strings {
		texts := map[string]string{}
		return texts, json.Unmarshal(p.Values, &texts)
	}
	values := map[string]interface{}{}
	err := json.Unmarshal(p.Values, &values)
	return values, err
}

func (p *problem) solve() (result answer) {
	stage := "parse"
	defer func() {
		if cause := recover(); cause != nil {
			result = answer{Fails: stage, Error: fmt.Sprintf("panic: %v", cause)}
		}
	}()
	root, err := p.root()
	if err != nil {
		return answer{Fails: "values", Error: err.Error()}
	}
	parsed, err := template.New(p.Name).Delims(p.Delimiters[0], p.Delimiters[1]).
		Option("missingkey=" + p.Missing).Funcs(functions()).Parse(string(p.Template))
	if err != nil {
		return answer{Fails: stage, Error: err.Error()}
	}
	if p.Parse {
		return answer{}
	}
	stage = "execute"
	var output bounded
	if err := parsed.Execute(&output, root); err != nil {
		return answer{Fails: stage, Error: err.Error()}
	}
	return answer{Output: append([]byte{}, output.Bytes()...)}
}

// A case that does not end is left behind; it dies with the process.
func (p *problem) solveInTime() answer {
	solved := make(chan answer, 1)
	go func() { solved <- p.solve() }()
	select {
	case result := <-solved:
		return result
	case <-time.After(patience):
		return answer{Fails: "execute", Error: "takes too long"}
	}
}

func run(input io.Reader, output io.Writer) error {
	lines := bufio.NewReader(input)
	answers := json.NewEncoder(output)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var p problem
		if err := json.Unmarshal(line, &p); err != nil {
			return err
		}
		if err := answers.Encode(p.solveInTime()); err != nil {
			return err
		}
	}
}

func main() {
	// What recurses without end kills the process, whatever it recovers from; let it be soon.
	debug.SetMaxStack(maxStack)
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
