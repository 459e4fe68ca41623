package pipeline_test

import (
	"context"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/introspection"
	"github.com/admit-id/admit/internal/oauth/party"
	"github.com/admit-id/admit/internal/oauth/pipeline"
	"github.com/admit-id/admit/internal/token"
)

func bench(b *testing.B) *world {
	bus := &tx.Bus{}
	db, clk := sqldbtest.SQLite(b, migrations(), bus)
	return newWorld(b, db, clk, bus)
}

func (w *world) benchAsk(b *testing.B, form url.Values) pipeline.Result {
	out, err := w.service.Run(context.Background(), pipeline.Request{Actor: actor.Actor{Account: account}, Presented: party.Presented{Form: form}})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// BenchmarkClientCredentials is to be held against BenchmarkFloor: one signature, one durable unit of work.
func BenchmarkClientCredentials(b *testing.B) {
	w := bench(b)
	form := url.Values{"grant_type": {application.GrantClientCredentials}, "client_id": {"app_secret"}, "scope": {"read"}}
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w.benchAsk(b, form)
		}
	})
}

// BenchmarkFloor signs a token of the same claims and commits one unit of work that emits an event.
func BenchmarkFloor(b *testing.B) {
	w := bench(b)
	by := actor.ForSystem(account)
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			err := w.db.Write(context.Background(), tx.In(account), func(ctx context.Context, t tx.Tx) error {
				return t.Emit(ctx, event.New(by, pipeline.EventIssued, "gra_1", "client", "app_secret"))
			})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := w.tokens.AccessToken(context.Background(), token.AccessParams{
				At: w.clock.Now(), Account: account, Subject: "app_secret", Client: "app_secret", Audience: []string{string(account)}, Scopes: []string{"read"}, Grant: "gra_1",
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRefresh rotates; every use continues the one before.
func BenchmarkRefresh(b *testing.B) {
	w := bench(b)
	families := make([]string, 16)
	for i := range families {
		families[i] = w.benchAsk(b, url.Values{
			"grant_type": {application.GrantCode}, "client_id": {"app_public"}, "code": {w.benchCode(b, "app_public")}, "redirect_uri": {callback}, "code_verifier": {verifier},
		}).RefreshToken.Reveal()
	}
	var next atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		i := int(next.Add(1)-1) % len(families)
		text := families[i]
		for pb.Next() {
			text = w.benchAsk(b, url.Values{"grant_type": {application.GrantRefresh}, "client_id": {"app_public"}, "refresh_token": {text}}).RefreshToken.Reveal()
		}
	})
}

func BenchmarkIntrospect(b *testing.B) {
	w := bench(b)
	text := w.benchAsk(b, url.Values{"grant_type": {application.GrantClientCredentials}, "client_id": {"app_secret"}}).AccessToken.Reveal()
	r := introspection.Request{Actor: actor.Actor{Account: account}, Presented: party.Presented{Form: url.Values{"client_id": {"app_secret"}, "token": {text}}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.facts.Introspect(context.Background(), r, false); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUserinfo(b *testing.B) {
	w := bench(b)
	text := w.benchAsk(b, url.Values{
		"grant_type": {application.GrantCode}, "client_id": {"app_public"}, "code": {w.benchCode(b, "app_public")}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}).AccessToken.Reveal()
	b.ReportAllocs()
	for b.Loop() {
		l, err := w.reader.Look(context.Background(), account, text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.facts.Userinfo(context.Background(), l); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIntrospectOpaque(b *testing.B) {
	w := bench(b)
	text := w.benchAsk(b, url.Values{
		"grant_type": {application.GrantCode}, "client_id": {"app_opaque"}, "code": {w.benchCode(b, "app_opaque")}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}).AccessToken.Reveal()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.reader.Look(context.Background(), account, text); err != nil { // the first one reads a row
			b.Fatal(err)
		}
	}
}
