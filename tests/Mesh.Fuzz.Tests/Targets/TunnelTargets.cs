using System.Buffers;
using System.Security.Cryptography;
using Mesh.Fuzz.Tests.Corpus;
using Mesh.Fuzz.Tests.Harness;
using Mesh.Platform.Linux.Streams;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>Frames of native tunnels.</summary>
internal static class TunnelTargets
{
    private static readonly TunnelKey Key = new(SHA256.HashData("a key"u8));

    private static readonly TunnelHello Hello = new()
    {
        Capabilities = TunnelCapabilities.PacketsInStream | TunnelCapabilities.Roaming,
        ReceiverIndex = 7,
        Key = Key,
        Ciphers = [SealingCipher.ChaCha20Poly1305, SealingCipher.Aes256Gcm],
        UdpPort = 326,
        LinkMtu = 1500,
        ReceiverSeenAt = ObservedEndpoint.Ipv4(0xC000_0201, 4000),
    };

    private static readonly NetworkVersion Version = NetworkVersion.Create(7, new byte[256]);

    // The beginning of an IPv4 address that is written as an IPv6 address: a second way to say it.
    private static readonly byte[] Mapped = [6, 1, 2, .. new byte[10], 0xFF, 0xFF, 192, 0, 2, 1];

    public static IEnumerable<FuzzTarget> All() =>
    [
        Frames<TunnelHello>(
            "hello", TunnelHello.TryDecode, static (hello, output) => hello.Encode(output),
            Hello, Hello with { ReceiverSeenAt = default }, Hello with { ReceiverSeenAt = ObservedEndpoint.Ipv6(Ipv6Address.Parse("2001:db8::1"), 5) }, Hello with { Version = 2, ReceiverSeenAt = ObservedEndpoint.Ipv6(Ipv6Address.Parse("2001:db8::1"), 5) }),
        Frames<TunnelReady>("ready", TunnelReady.TryDecode, static (ready, output) => ready.Encode(output), new TunnelReady(SealingCipher.Aes256Gcm)),
        Frames<KeepAlive>("keep-alive", KeepAlive.TryDecode, static (alive, output) => alive.Encode(output), new KeepAlive(1, IsEcho: false), new KeepAlive(uint.MaxValue, IsEcho: true)),
        Frames<PeerAddresses>("peer-addresses", PeerAddresses.TryDecode, static (peers, output) => peers.Encode(output), new PeerAddresses([Entry("0/16", "192.0.2.1,326,mesh"), Entry("196608/32", "")]), new PeerAddresses([])),
        Frames<PathReport>("path-report", PathReport.TryDecode, static (report, output) => report.Encode(output), new PathReport(PathState.Validated, 7, 1400), new PathReport(PathState.Lost, 0, 0)),
        Frames<Rekey>("rekey", Rekey.TryDecode, static (rekey, output) => rekey.Encode(output), new Rekey(8, Key)),
        Frames<CloseRequest>("close-request", CloseRequest.TryDecode, static (close, output) => close.Encode(output), new CloseRequest(CloseReason.Retired, "there is a better one"), new CloseRequest(CloseReason.Busy, ""), new CloseRequest(CloseReason.Retired, "x") { Round = 7 })
            with { Covers = [Methods.Name(typeof(CloseRequest), nameof(CloseRequest.TryDecode)), Methods.Name(typeof(CloseText), nameof(CloseText.TryDecode))] },
        Frames<CloseAnswer>("close-answer", CloseAnswer.TryDecode, static (close, output) => close.Encode(output), new CloseAnswer(CloseReason.Retired, "é"), new CloseAnswer(CloseReason.Retired, "") { Round = 7, Agrees = false }),
        Frames<CertificateRenewal>("certificate-renewal", CertificateRenewal.TryDecode, static (renewal, output) => renewal.Encode(output), new CertificateRenewal([.. Network.NodeCertificate])),
        Frames<StreamResume>("stream-resume", StreamResume.TryDecode, static (resume, output) => resume.Encode(output), new StreamResume(7, IsAnswer: false), new StreamResume(uint.MaxValue, IsAnswer: true)),
        Frames<VersionNews>("version-news", VersionNews.TryDecode, static (news, output) => news.Encode(output), new VersionNews(Version)),
        Target.Octets("tunnel/frames", [[.. Framed(Hello.Encode), .. Framed(new KeepAlive(1, IsEcho: true).Encode), 0x80, 0, 2, 1, 2]], ReadFrames, Methods.Name(typeof(Frame), nameof(Frame.TryRead)))
            with { MaxLength = 100_000, BaseOctets = 256 * 1024 },
        Target.Octets(
            "tunnel/sealed-header", [new byte[SealedHeader.Overhead], new byte[100]],
            static octets => SealedHeader.TryRead(octets, out SealedHeader header, out ReadOnlySpan<byte> ciphertext, out ReadOnlySpan<byte> tag)
                ? header with { ReceiverIndex = header.ReceiverIndex + (uint)(ciphertext.Length + tag.Length) } : null,
            Methods.Name(typeof(SealedHeader), nameof(SealedHeader.TryRead))),
    ];

    // A frame says one thing in one way. Not so those of later versions, which may have more, and addresses, which are text.
    private static FuzzTarget Frames<T>(string name, OctetDecoder<T> decode, Action<T, IBufferWriter<byte>> encode, params T[] values)
        where T : notnull
    {
        FuzzTarget target = Target.Octets("tunnel/" + name, values.Select(Payload), decode, Payload, isCanonical: typeof(T) != typeof(PeerAddresses))
            with
        { MaxLength = 20_000, Tokens = [Mapped] };
        return target with { Check = (input, value) => value is TunnelHello { Version: > TunnelHello.CurrentVersion } ? null : target.Check(input, value) };

        byte[] Payload(T value) => Framed(output => encode(value, output))[Frame.HeaderLength..];
    }

    // As the reader of a stream does, in pieces whose lengths the input says.
    private static object? ReadFrames(byte[] octets)
    {
        var buffer = new FrameBuffer();
        int taken = 0, frames = 0;
        while (taken < octets.Length)
        {
            Memory<byte> free = buffer.Free();
            int length = Math.Min(Math.Min(free.Length, octets.Length - taken), 1 + (octets[taken] * 16));
            octets.AsSpan(taken, length).CopyTo(free.Span);
            buffer.Filled(length);
            taken += length;
            while (buffer.TryTake(out byte kind, out Memory<byte> payload))
                frames += 1 + (0 * (kind + payload.Length));
        }

        return frames > 0 ? frames : null;
    }

    private static byte[] Framed(Action<IBufferWriter<byte>> encode)
    {
        var output = new ArrayBufferWriter<byte>();
        encode(output);
        return output.WrittenSpan.ToArray();
    }

    private static PeerAddressEntry Entry(string node, string addresses) =>
        new(NodePrefix.ParseCommonName(node), AddressList.TryParse(addresses, out AddressList list, out _) ? list : throw new FormatException(addresses));
}
