package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"slices"
	"time"
)

// kubectl stands in for a cluster in the guide to workloads: it says who the cluster is, and makes
// tokens of service accounts as a cluster makes them. Its key lives in the current folder.
func kubectl() {
	args := os.Args[1:]
	key, err := clusterKey()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	const issuer = "https://kubernetes.default.svc.cluster.local"
	b64 := base64.RawURLEncoding
	switch {
	case len(args) == 3 && args[2] == "/.well-known/openid-configuration":
		fmt.Printf(`{"issuer":"%s","jwks_uri":"https://10.0.0.1:6443/openid/v1/jwks"}`, issuer)
	case len(args) == 3 && args[2] == "/openid/v1/jwks":
		fmt.Printf(`{"keys":[{"use":"sig","kty":"RSA","kid":"cluster","alg":"RS256","n":"%s","e":"%s"}]}`,
			b64.EncodeToString(key.N.Bytes()), b64.EncodeToString(big.NewInt(int64(key.E)).Bytes()))
	case len(args) == 3 && args[0] == "apply":
		fmt.Println("pod/worker created")
	case len(args) > 3 && args[0] == "create" && args[1] == "token":
		now := time.Now().Unix()
		claims, _ := json.Marshal(map[string]any{
			"iss": issuer, "sub": "system:serviceaccount:" + after(args, "--namespace") + ":" + args[2], "aud": []string{after(args, "--audience")},
			"iat": now, "nbf": now, "exp": now + 3600, "jti": rand.Text(),
			"kubernetes.io": map[string]any{"namespace": after(args, "--namespace"), "serviceaccount": map[string]string{"name": args[2], "uid": "1"}},
		})
		signed := b64.EncodeToString([]byte(`{"alg":"RS256","kid":"cluster"}`)) + "." + b64.EncodeToString(claims)
		sum := sha256.Sum256([]byte(signed))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(signed + "." + b64.EncodeToString(signature))
	default:
		fmt.Fprintln(os.Stderr, "kubectl: the stand-in does not know", args)
		os.Exit(1)
	}
}

func after(args []string, flag string) string {
	if i := slices.Index(args, flag); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

func clusterKey() (*rsa.PrivateKey, error) {
	const file = ".cluster-key"
	if der, err := os.ReadFile(file); err == nil {
		return x509.ParsePKCS1PrivateKey(der)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(file, x509.MarshalPKCS1PrivateKey(key), 0o600)
}
