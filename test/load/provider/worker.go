package provider

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"

	"github.com/admit-id/admit/test/load/drive"
	"github.com/admit-id/admit/test/load/rig"
	"github.com/admit-id/admit/test/load/wire"
)

func basic(id, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
}

// repeater sends the same request over and over.
type repeater struct {
	conn    *wire.Conn
	request rig.Request
}

func (w *repeater) Do(context.Context, int) error {
	a, err := w.conn.Do(w.request.Bytes)
	if err != nil {
		return err
	}
	return w.request.Wrong(a)
}

func (w *repeater) Close() { w.conn.Close() }

// signer signs a person in again and again.
type signer struct {
	server  *server
	browser *browser
	worker  int
}

func (w *signer) Do(context.Context, int) error {
	got, err := w.server.silent(w.browser, w.server.web, w.worker)
	if err == nil && got.ID == "" {
		err = errors.New("no ID token")
	}
	return err
}

func (w *signer) Close() { w.browser.Close() }

// renewer renews the session of a browser of its own, whose cookie the answer replaces.
type renewer struct {
	conn   *wire.Conn
	person *drive.Person
}

func (w *renewer) Do(context.Context, int) error { return w.person.Renew(w.conn) }
func (w *renewer) Close()                        { w.conn.Close() }

// refresher uses its newest refresh token, which the answer replaces.
type refresher struct {
	server *server
	conn   *wire.Conn
	web    credential
	newest *string
}

func (w *refresher) Do(context.Context, int) error {
	got, err := tokensOf(w.conn.Do(w.server.post(w.server.token, w.web, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {*w.newest}})))
	if err != nil {
		return err
	}
	if got.Refresh == "" || got.Refresh == *w.newest {
		return errors.New("the refresh token was not rotated")
	}
	*w.newest = got.Refresh
	return nil
}

func (w *refresher) Close() { w.conn.Close() }
