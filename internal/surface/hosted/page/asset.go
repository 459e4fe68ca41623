package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"path"

	"github.com/admit-id/admit/internal/kit/fault"
)

//go:embed assets
var assetFiles embed.FS

type asset struct {
	body    string
	version string // the first 64 bits of the body's SHA-256
	kind    string // Content-Type
}

// assets are the static files by name.
type assets map[string]asset

var assetKinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func loadAssets() (assets, error) {
	all := assets{}
	entries, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		b, err := fs.ReadFile(assetFiles, path.Join("assets", e.Name()))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		all[e.Name()] = asset{body: string(b), version: hex.EncodeToString(sum[:8]), kind: assetKinds[path.Ext(e.Name())]}
	}
	return all, nil
}

// path is the address of an asset; it changes with the content.
func (a assets) path(name string) string { return "/assets/" + name + "?v=" + a[name].version }

const (
	cacheForGood = "public, max-age=31536000, immutable"
	cacheBriefly = "public, max-age=300"
)

var errNoAsset = fault.New(fault.NotFound, fault.CodeNotFound, "There is nothing at this address.")

// serveAsset serves a static file or an accent's stylesheet. An address that names the
// version it wants may be kept for good.
func (k *Kit) serveAsset(w http.ResponseWriter, r *http.Request) error {
	name, h := r.PathValue("name"), w.Header()
	// An image opened by itself is a document: nothing in it may run.
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if name == "theme.css" {
		h.Set("Content-Type", assetKinds[".css"])
		h.Set("Cache-Control", cacheForGood)
		_, err := io.WriteString(w, themeCSS(r.URL.Query().Get("c")))
		return err
	}
	if name == "logo" {
		return k.serveLogo(w, r)
	}
	a, ok := k.assets[name]
	if !ok {
		return errNoAsset
	}
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", cacheBriefly)
	if r.URL.Query().Get("v") == a.version {
		h.Set("Cache-Control", cacheForGood)
	}
	_, err := io.WriteString(w, a.body)
	return err
}
