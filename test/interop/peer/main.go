// A peer made of go-libp2p's own parts, which deals with one of ours and says in JSON what it got.
//
//	peer ask (tls|noise) HOST:PORT PEER SHA256 LENGTH
//	    connects, identifies, asks the hash table who has the content, and fetches it
//	peer answer (tls|noise)
//	    prints {"address", "peer"}, accepts one connection, and echoes pings on it until it ends
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/multiformats/go-multistream"
	"google.golang.org/protobuf/encoding/protowire"
)

// How long everything may take.
const patience = 30 * time.Second

// What a message may have at most.
const limit = 1 << 20

// What the peer asked learned.
type report struct {
	Peer      string   `json:"peer"`
	Muxer     string   `json:"muxer"`
	Agent     string   `json:"agent"`
	Protocols []string `json:"protocols"`
	Providers []string `json:"providers"`
	Sha256    string   `json:"sha256"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return err
	}
	transport, err := security(args[1], key)
	if err != nil {
		return err
	}
	switch args[0] {
	case "ask":
		return ask(transport, args[2], args[3], args[4], args[5])
	case "answer":
		return answer(transport, key)
	}
	return errors.New("ask or answer")
}

// A way to encrypt a connection, which agrees on yamux along the way where both can.
func security(name string, key crypto.PrivKey) (sec.SecureTransport, error) {
	muxers := []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}}
	if name == "tls" {
		return libp2ptls.New(libp2ptls.ID, key, muxers)
	}
	return noise.New(noise.ID, key, muxers)
}

func ask(transport sec.SecureTransport, address, name, digest, size string) error {
	id, err := peer.Decode(name)
	if err != nil {
		return err
	}
	hash, err := hex.DecodeString(digest)
	if err != nil {
		return err
	}
	length, err := strconv.Atoi(size)
	if err != nil {
		return err
	}
	raw, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return err
	}
	defer raw.Close()
	raw.SetDeadline(time.Now().Add(patience))
	if err := multistream.SelectProtoOrFail(transport.ID(), raw); err != nil {
		return fmt.Errorf("choosing %s: %w", transport.ID(), err)
	}
	secured, err := transport.SecureOutbound(context.Background(), raw, id)
	if err != nil {
		return fmt.Errorf("securing: %w", err)
	}
	muxer := secured.ConnState().StreamMultiplexer
	if muxer == "" {
		if err := multistream.SelectProtoOrFail(protocol.ID(yamux.ID), secured); err != nil {
			return fmt.Errorf("choosing a muxer: %w", err)
		}
	}
	muxed, err := yamux.DefaultTransport.NewConn(secured, false, nil)
	if err != nil {
		return err
	}
	defer muxed.Close()
	found := report{Peer: secured.RemotePeer().String(), Muxer: string(muxer)}
	if err := found.identify(muxed); err != nil {
		return fmt.Errorf("identifying: %w", err)
	}
	multihash := append([]byte{0x12, 0x20}, hash...)
	if err := found.providers(muxed, multihash); err != nil {
		return fmt.Errorf("finding providers: %w", err)
	}
	if err := found.fetch(muxed, multihash, length); err != nil {
		return fmt.Errorf("fetching: %w", err)
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

func open(muxed network.MuxedConn, name protocol.ID) (network.MuxedStream, error) {
	stream, err := muxed.OpenStream(context.Background())
	if err != nil {
		return nil, err
	}
	return stream, multistream.SelectProtoOrFail(name, stream)
}

// https://github.com/libp2p/specs/blob/master/identify/README.md
func (r *report) identify(muxed network.MuxedConn) error {
	stream, err := open(muxed, "/ipfs/id/1.0.0")
	if err != nil {
		return err
	}
	return eachField(stream, func(number protowire.Number, value []byte) {
		switch number {
		case 3:
			r.Protocols = append(r.Protocols, string(value))
		case 6:
			r.Agent = string(value)
		}
	})
}

// https://github.com/libp2p/specs/blob/master/kad-dht/README.md#rpc-messages: GET_PROVIDERS
func (r *report) providers(muxed network.MuxedConn, key []byte) error {
	stream, err := open(muxed, "/pyrsia/kad/1.0.0")
	if err != nil {
		return err
	}
	question := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 3)
	question = protowire.AppendBytes(protowire.AppendTag(question, 2, protowire.BytesType), key)
	if _, err := stream.Write(protowire.AppendBytes(nil, question)); err != nil {
		return err
	}
	return eachField(stream, func(number protowire.Number, value []byte) {
		if number != 9 {
			return
		}
		if _, _, n := protowire.ConsumeField(value); n > 0 {
			id, _ := protowire.ConsumeBytes(value[1:])
			r.Providers = append(r.Providers, peer.ID(id).String())
		}
	})
}

// src/p2p/wire.ts
func (r *report) fetch(muxed network.MuxedConn, multihash []byte, length int) error {
	stream, err := open(muxed, "/pyrsia/blob/1.0.0")
	if err != nil {
		return err
	}
	request := append(make([]byte, 9), binary.BigEndian.AppendUint32(nil, uint32(length))...)
	if _, err := stream.Write(append(request, multihash...)); err != nil {
		return err
	}
	start := make([]byte, 21)
	if _, err := io.ReadFull(stream, start); err != nil {
		return err
	}
	if start[0] != 0 || binary.BigEndian.Uint32(start[17:]) != uint32(length) {
		return fmt.Errorf("the answer is %x", start)
	}
	hash := sha256.New()
	if _, err := io.CopyN(hash, stream, int64(length)); err != nil {
		return err
	}
	r.Sha256 = hex.EncodeToString(hash.Sum(nil))
	return stream.Close()
}

// Reads one message with its length in front, and passes on each field that is bytes.
func eachField(stream io.Reader, take func(protowire.Number, []byte)) error {
	length, err := binary.ReadUvarint(oneByOne{stream})
	if err != nil || length > limit {
		return fmt.Errorf("a message of %d bytes: %w", length, err)
	}
	message := make([]byte, length)
	if _, err := io.ReadFull(stream, message); err != nil {
		return err
	}
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if kind == protowire.BytesType {
			value, n := protowire.ConsumeBytes(message)
			if n < 0 {
				return protowire.ParseError(n)
			}
			take(number, value)
			message = message[n:]
		} else {
			n := protowire.ConsumeFieldValue(number, kind, message)
			if n < 0 {
				return protowire.ParseError(n)
			}
			message = message[n:]
		}
	}
	return nil
}

type oneByOne struct{ io.Reader }

func (r oneByOne) ReadByte() (byte, error) {
	var one [1]byte
	_, err := io.ReadFull(r.Reader, one[:])
	return one[0], err
}

func answer(transport sec.SecureTransport, key crypto.PrivKey) error {
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := listener.Addr().String()[strings.LastIndex(listener.Addr().String(), ":")+1:]
	json.NewEncoder(os.Stdout).Encode(map[string]string{"address": "/ip4/127.0.0.1/tcp/" + port, "peer": id.String()})
	raw, err := listener.Accept()
	if err != nil {
		return err
	}
	raw.SetDeadline(time.Now().Add(patience))
	choice := multistream.NewMultistreamMuxer[protocol.ID]()
	choice.AddHandler(transport.ID(), nil)
	if _, _, err := choice.Negotiate(raw); err != nil {
		return err
	}
	secured, err := transport.SecureInbound(context.Background(), raw, "")
	if err != nil {
		return err
	}
	if secured.ConnState().StreamMultiplexer == "" {
		return errors.New("no muxer was chosen along the way")
	}
	muxed, err := yamux.DefaultTransport.NewConn(secured, true, nil)
	if err != nil {
		return err
	}
	for {
		stream, err := muxed.AcceptStream()
		if err != nil {
			return nil // it has ended
		}
		go echo(stream)
	}
}

func echo(stream network.MuxedStream) {
	choice := multistream.NewMultistreamMuxer[protocol.ID]()
	choice.AddHandler("/ipfs/ping/1.0.0", nil)
	if _, _, err := choice.Negotiate(stream); err != nil {
		stream.Reset()
		return
	}
	io.Copy(stream, stream)
	stream.Close()
}
