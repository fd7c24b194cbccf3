// Judges recorded webhooks with the real interceptors of Tekton Triggers. The suite needs no Go: it compares what was judged with what is rendered.
// After a change of a filter, in a folder of its own:
//
//	go mod init webhooks && go get github.com/tektoncd/triggers@v0.35.0 && go mod tidy
//	PYTHONPATH=generator:tests python tests/test_triggers.py | go run . >tests/webhooks/verdicts.json
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"

	triggersv1 "github.com/tektoncd/triggers/pkg/apis/triggers/v1beta1"
	"github.com/tektoncd/triggers/pkg/interceptors"
	"github.com/tektoncd/triggers/pkg/interceptors/cel"
	"github.com/tektoncd/triggers/pkg/interceptors/github"
	"github.com/tektoncd/triggers/pkg/interceptors/gitlab"
)

type secret string

func (s secret) Get(context.Context, string, *triggersv1.SecretRef) ([]byte, error) {
	return []byte(s), nil
}

type recording struct {
	Secret   string                     `json:"secret"`
	Triggers map[string]json.RawMessage `json:"triggers"`
	Calls    []*call                    `json:"calls"`
}

type call struct {
	Name    string              `json:"name"`
	Headers map[string][]string `json:"headers"`
	Body    string              `json:"body"`
	// Filled in: the triggers that the call starts, and what the others say.
	Starts  []string          `json:"starts"`
	Refused map[string]string `json:"refused"`
}

func judge(s secret, chain []*triggersv1.TriggerInterceptor, c *call) (string, error) {
	known := map[string]func(interceptors.SecretGetter) triggersv1.InterceptorInterface{
		"cel":    func(g interceptors.SecretGetter) triggersv1.InterceptorInterface { return cel.NewInterceptor(g) },
		"github": func(g interceptors.SecretGetter) triggersv1.InterceptorInterface { return github.NewInterceptor(g) },
		"gitlab": func(g interceptors.SecretGetter) triggersv1.InterceptorInterface { return gitlab.NewInterceptor(g) },
	}
	for _, each := range chain {
		params := map[string]interface{}{}
		for _, param := range each.Params {
			var value interface{}
			if err := json.Unmarshal(param.Value.Raw, &value); err != nil {
				return "", err
			}
			params[param.Name] = value
		}
		request := &triggersv1.InterceptorRequest{
			Body: c.Body, Header: c.Headers, InterceptorParams: params,
			Context: &triggersv1.TriggerContext{TriggerID: "namespaces/n/triggers/t"},
		}
		answer := known[each.Ref.Name](s).Process(context.Background(), request)
		if !answer.Continue {
			why := answer.Status.Message
			if strings.HasSuffix(why, "did not return true") {
				why = "the filter did not return true"
			}
			return each.Ref.Name + ": " + why, nil
		}
	}
	return "", nil
}

func main() {
	var all recording
	if err := json.NewDecoder(os.Stdin).Decode(&all); err != nil {
		panic(err)
	}
	for _, c := range all.Calls {
		c.Starts, c.Refused = []string{}, map[string]string{}
		for name, raw := range all.Triggers {
			var chain []*triggersv1.TriggerInterceptor
			if err := json.Unmarshal(raw, &chain); err != nil {
				panic(err)
			}
			why, err := judge(secret(all.Secret), chain, c)
			if err != nil {
				panic(fmt.Errorf("%s: %w", name, err))
			}
			if why == "" {
				c.Starts = append(c.Starts, name)
			} else {
				c.Refused[name] = why
			}
		}
		sort.Strings(c.Starts)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(all); err != nil {
		panic(err)
	}
}
