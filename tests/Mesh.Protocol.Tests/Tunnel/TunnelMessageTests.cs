using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Protocol.Tests.Tunnel;

/// <summary>Every control message, through one set of questions.</summary>
public sealed class TunnelMessageTests
{
    private delegate bool Decoder(ReadOnlySpan<byte> payload, out object? message);

    private static readonly TunnelKey Key = new(Enumerable.Range(0, 32).Select(value => (byte)value).ToArray());
    private static readonly string KeyHex = Convert.ToHexString([.. Enumerable.Range(0, 32).Select(value => (byte)value)]);

    private static readonly TunnelHello Hello = new()
    {
        Capabilities = TunnelCapabilities.PacketsInStream | TunnelCapabilities.Roaming,
        ReceiverIndex = 0x01020304,
        Key = Key,
        Ciphers = [SealingCipher.ChaCha20Poly1305, SealingCipher.Aes256Gcm],
        UdpPort = 4711,
        LinkMtu = 1500,
        ReceiverSeenAt = ObservedEndpoint.Ipv6(Ipv6Address.Parse("2001:db8::7"), 443),
    };

    private static readonly PeerAddresses Peers = new(
    [
        new PeerAddressEntry(NodePrefix.ParseCommonName("2/16"), new AddressList(new AdvertisedAddress("a.example", 7, AddressProtocol.Mesh))),
        new PeerAddressEntry(NodePrefix.ParseCommonName("5/3"), AddressList.Empty),
    ]);

    /// <summary>Message, kind, payload as drawn in its documentation.</summary>
    private static readonly (object Message, byte Kind, string Payload)[] Golden =
    [
        (Hello, 1, "0001" + "00000003" + "01020304" + KeyHex + "020201" + "1267" + "05DC" + "0601BB20010DB8000000000000000000000007"),
        (Hello with { ReceiverSeenAt = ObservedEndpoint.Ipv4(0xC0000201, 5) }, 1,
            "0001" + "00000003" + "01020304" + KeyHex + "020201" + "1267" + "05DC" + "040005C0000201"),
        (Hello with { ReceiverSeenAt = default, UdpPort = 0 }, 1, "0001" + "00000003" + "01020304" + KeyHex + "020201" + "0000" + "05DC" + "00"),
        (new TunnelReady(SealingCipher.Aes256Gmac), 2, "03"),
        (new KeepAlive(0xFFFFFFFE, IsEcho: false), 3, "FFFFFFFE00"),
        (new KeepAlive(7, IsEcho: true), 3, "0000000701"),
        (Peers, 4, "02" + "100002" + "0010" + Convert.ToHexString(Encoding.ASCII.GetBytes("a.example,7,mesh")) + "03A0" + "0000"),
        (new PeerAddresses([]), 4, "00"),
        (new PathReport(PathState.Validated, 9, 1428), 5, "01" + "00000009" + "0594"),
        (new PathReport(PathState.Lost, 9, 0), 5, "00" + "00000009" + "0000"),
        (new Rekey(0xA1B2C3D4, Key), 6, "A1B2C3D4" + KeyHex),
        (new CloseRequest(CloseReason.Duplicate, "é"), 7, "0302C3A9"),
        (new CloseAnswer((CloseReason)200, ""), 8, "C800"),
        (new CertificateRenewal([0x30, 0x03, 0x02, 0x01, 0x07]), 9, "0005" + "3003020107"),
    ];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Golden.Length)];

    [Theory, MemberData(nameof(Cases))]
    public void Encodes_to_the_golden_bytes_and_back(int index)
    {
        (object message, byte kind, string payload) = Golden[index];
        byte[] frame = Encode(message);
        Assert.Equal($"{kind:X2}{payload.Length / 2:X4}{payload}", Convert.ToHexString(frame));
        Assert.True(Frame.TryRead(frame, out byte readKind, out ReadOnlySpan<byte> read, out int consumed));
        Assert.Equal((kind, frame.Length), (readKind, consumed));
        Assert.True(DecoderOf(kind)(read, out object? decoded));
        Assert.Equal(message, decoded);
    }

    [Fact]
    public void Closing_messages_may_have_a_round_and_an_answer_to_one_may_refuse()
    {
        (object Message, string Frame)[] golden =
        [
            (new CloseRequest(CloseReason.Retired, "a") { Round = 0xA1B2C3D4 }, "070007" + "010161" + "A1B2C3D4"),
            (new CloseAnswer(CloseReason.Retired, "") { Round = 0xA1B2C3D4 }, "080007" + "0100" + "A1B2C3D4" + "01"),
            (new CloseAnswer(CloseReason.Retired, "") { Round = 7, Agrees = false }, "080007" + "0100" + "00000007" + "00"),
        ];
        foreach ((object message, string frame) in golden)
        {
            Assert.Equal(frame, Convert.ToHexString(Encode(message)));
            byte[] payload = Convert.FromHexString(frame)[Frame.HeaderLength..];
            Decoder decoder = DecoderOf(message is CloseRequest ? CloseRequest.Kind : CloseAnswer.Kind);
            Assert.True(decoder(payload, out object? decoded));
            Assert.Equal(message, decoded);
            int optional = message is CloseRequest ? 4 : 5;
            for (int missing = 1; missing < optional; missing++)
                Assert.False(decoder(payload.AsSpan()[..^missing], out _));
            Assert.True(decoder(payload.AsSpan()[..^optional], out _));
            Assert.False(decoder([.. payload, 0], out _));
        }

        Assert.False(CloseAnswer.TryDecode([1, 0, 0, 0, 0, 7, 2], out _));
        Assert.Throws<InvalidOperationException>(() => new CloseAnswer(CloseReason.Retired, "") { Agrees = false }.Encode(new ArrayBufferWriter<byte>()));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Rejects_every_truncation(int index)
    {
        byte[] payload = Convert.FromHexString(Golden[index].Payload);
        Assert.All(Hostile.Truncations(payload), octets => Assert.False(DecoderOf(Golden[index].Kind)(octets, out _)));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Rejects_an_octet_too_many(int index)
    {
        byte[] payload = Convert.FromHexString(Golden[index].Payload + "00");
        Assert.False(DecoderOf(Golden[index].Kind)(payload, out _));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Survives_mutations_and_writes_again_what_it_accepted(int index)
    {
        (_, byte kind, string payload) = Golden[index];
        foreach (byte[] octets in Hostile.Mutations(seed: index, 2_000, Convert.FromHexString(payload)))
        {
            if (!DecoderOf(kind)(octets, out object? decoded) || decoded is TunnelHello { Version: > TunnelHello.CurrentVersion })
                continue;
            // An address list drops items that it does not know, so there a second reading is compared, not the octets.
            byte[] again = Encode(decoded!)[Frame.HeaderLength..];
            if (kind == PeerAddresses.Kind)
            {
                Assert.True(DecoderOf(kind)(again, out object? second));
                Assert.Equal(decoded, second);
            }
            else
            {
                Assert.Equal(Convert.ToHexString(octets), Convert.ToHexString(again));
            }
        }
    }

    [Theory]
    [InlineData(1, "0000" + "00000003" + "01020304", "020201" + "1267" + "05DC" + "00", "version 0")]
    [InlineData(1, "0001" + "00000003" + "01020304", "00" + "1267" + "05DC" + "00", "no cipher")]
    [InlineData(1, "0001" + "00000003" + "01020304", "020101" + "1267" + "05DC" + "00", "a cipher twice")]
    [InlineData(1, "0001" + "00000003" + "01020304", "020100" + "1267" + "05DC" + "00", "cipher 0")]
    [InlineData(1, "0001" + "00000003" + "01020304", "09010203040506070809" + "1267" + "05DC" + "00", "nine ciphers")]
    [InlineData(1, "0001" + "00000003" + "01020304", "020201" + "1267" + "05DC" + "05000000000000", "family 5")]
    [InlineData(1, "0001" + "00000003" + "01020304", "020201" + "1267" + "05DC" + "06000100000000000000000000FFFF01020304", "an IPv4-mapped address")]
    public void Rejects_a_hello_with(int kind, string before, string after, string what)
    {
        Assert.False(DecoderOf((byte)kind)(Convert.FromHexString(before + KeyHex + after), out _), what);
    }

    [Theory]
    [InlineData(2, "00", "cipher 0")]
    [InlineData(3, "0000000002", "an echo flag that is neither")]
    [InlineData(4, "41", "too many entries")]
    [InlineData(4, "0100" + "0000", "the empty prefix")]
    [InlineData(4, "0180" + "00000000000000000000000000000000" + "0000", "a prefix of 128 bits")]
    [InlineData(4, "0103A1" + "0000", "padding that is not zero")]
    [InlineData(4, "0203A0" + "0000" + "03A0" + "0000", "a node twice")]
    [InlineData(4, "0103A0" + "0001" + "FF", "text that is not UTF-8")]
    [InlineData(5, "02" + "00000009" + "0000", "a state that is neither")]
    [InlineData(7, "0301FF", "text that is not UTF-8")]
    [InlineData(8, "03010A", "a line feed")]
    [InlineData(8, "0302C285", "a control character above ASCII")]
    [InlineData(9, "0000", "an empty certificate")]
    public void Rejects_a_payload_with(int kind, string payload, string what)
    {
        Assert.False(DecoderOf((byte)kind)(Convert.FromHexString(payload), out _), what);
    }

    [Fact]
    public void A_hello_of_a_later_version_may_carry_more()
    {
        string payload = Golden[0].Payload;
        Assert.True(TunnelHello.TryDecode(Convert.FromHexString("0002" + payload[4..] + "ABCD"), out TunnelHello? hello));
        Assert.Equal(2, hello.Version);
    }

    [Fact]
    public void The_first_common_cipher_of_our_own_preference_is_chosen()
    {
        Assert.True(Hello.TryChoose([SealingCipher.Aes256Gmac, SealingCipher.Aes256Gcm, SealingCipher.ChaCha20Poly1305], out SealingCipher cipher));
        Assert.Equal(SealingCipher.Aes256Gcm, cipher);
        Assert.False(Hello.TryChoose([SealingCipher.Aes256Gmac], out _));
    }

    [Fact]
    public void Our_own_mistakes_throw()
    {
        var output = new ArrayBufferWriter<byte>();
        Assert.Throws<InvalidOperationException>(() => (Hello with { Ciphers = [] }).Encode(output));
        Assert.Throws<InvalidOperationException>(() => (Hello with { Ciphers = [SealingCipher.Aes256Gcm, SealingCipher.Aes256Gcm] }).Encode(output));
        Assert.Throws<ArgumentException>(() => new CloseRequest(CloseReason.Busy, "a\nb").Encode(output));
        Assert.Throws<ArgumentException>(() => new CloseRequest(CloseReason.Busy, new string('a', 256)).Encode(output));
        PeerAddressEntry entry = Peers.Entries[1];
        Assert.Throws<InvalidOperationException>(() => new PeerAddresses([entry, entry]).Encode(output));
        ImmutableArray<PeerAddressEntry> many = [.. Enumerable.Range(0, 65).Select(value => new PeerAddressEntry(new NodePrefix((UInt128)value, 16), AddressList.Empty))];
        Assert.Throws<InvalidOperationException>(() => new PeerAddresses(many).Encode(output));
        Assert.Throws<InvalidOperationException>(() => new CertificateRenewal([]).Encode(output));
        Assert.Throws<InvalidOperationException>(() => new CertificateRenewal([.. new byte[CertificateRenewal.MaxLength + 1]]).Encode(output));
        Assert.Equal(0, output.WrittenCount);
    }

    [Fact]
    public void A_certificate_has_at_most_8192_octets()
    {
        byte[] longest = Encode(new CertificateRenewal([.. new byte[CertificateRenewal.MaxLength]]))[Frame.HeaderLength..];
        Assert.True(CertificateRenewal.TryDecode(longest, out _));
        longest[1]++;
        Assert.False(CertificateRenewal.TryDecode([.. longest, 0], out _));
    }

    [Fact]
    public void Keys_are_not_shown()
    {
        Assert.DoesNotContain("0102030405", Hello.ToString(), StringComparison.Ordinal);
        Assert.Contains("(secret)", Hello.ToString(), StringComparison.Ordinal);
        Assert.Contains("(secret)", new Rekey(1, Key).ToString(), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new TunnelKey(new byte[31]));
        Assert.NotEqual(Key, default);
    }

    [Fact]
    public void Endpoints_have_one_form()
    {
        Assert.Equal(ObservedEndpoint.Ipv4(0xC0000201, 5), ObservedEndpoint.Ipv6(Ipv6Address.Parse("::ffff:192.0.2.1"), 5));
        Assert.Equal("192.0.2.1:5", ObservedEndpoint.Ipv4(0xC0000201, 5).ToString());
        Assert.Equal("[2001:db8::7]:443", Hello.ReceiverSeenAt.ToString());
        Assert.Equal("none", default(ObservedEndpoint).ToString());
    }

    private static byte[] Encode(object message)
    {
        var output = new ArrayBufferWriter<byte>();
        switch (message)
        {
            case TunnelHello hello: hello.Encode(output); break;
            case TunnelReady ready: ready.Encode(output); break;
            case KeepAlive keepAlive: keepAlive.Encode(output); break;
            case PeerAddresses peers: peers.Encode(output); break;
            case PathReport report: report.Encode(output); break;
            case Rekey rekey: rekey.Encode(output); break;
            case CloseRequest request: request.Encode(output); break;
            case CloseAnswer answer: answer.Encode(output); break;
            case CertificateRenewal renewal: renewal.Encode(output); break;
            default: throw new InvalidOperationException($"{message} is not a control message.");
        }
        return output.WrittenSpan.ToArray();
    }

    private static Decoder DecoderOf(byte kind) => kind switch
    {
        TunnelHello.Kind => static (ReadOnlySpan<byte> payload, out object? message) => Box(TunnelHello.TryDecode(payload, out TunnelHello? value), value, out message),
        TunnelReady.Kind => static (ReadOnlySpan<byte> payload, out object? message) => Box(TunnelReady.TryDecode(payload, out TunnelReady value), value, out message),
        KeepAlive.Kind => static (ReadOnlySpan<byte> payload, out object? message) => Box(KeepAlive.TryDecode(payload, out KeepAlive value), value, out message),
        PeerAddresses.Kind => static (ReadOnlySpan<byte> payload, out object? message) => Box(PeerAddresses.TryDecode(payload, out PeerAddresses? value), value, out message),
        PathReport.Kind => static (ReadOnlySpan<byte> payload, out object? message) => Box(PathReport.TryDecode(payload, out PathReport value), value, out message),
        Rekey.Kind => static (ReadOnlySpan<byte> payload, out object? message) => Box(Rekey.TryDecode(payload, out Rekey value), value, out message),
        CloseRequest.Kind => static (ReadOnlySpan<byte> payload, out object? message) => Box(CloseRequest.TryDecode(payload, out CloseRequest? value), value, out message),
        CloseAnswer.Kind => static (ReadOnlySpan<byte> payload, out object? message) => Box(CloseAnswer.TryDecode(payload, out CloseAnswer? value), value, out message),
        CertificateRenewal.Kind => static (ReadOnlySpan<byte> payload, out object? message) => Box(CertificateRenewal.TryDecode(payload, out CertificateRenewal? value), value, out message),
        _ => throw new InvalidOperationException($"{kind} is not the kind of a control message."),
    };

    private static bool Box(bool decoded, object? value, out object? message)
    {
        message = value;
        return decoded;
    }
}
