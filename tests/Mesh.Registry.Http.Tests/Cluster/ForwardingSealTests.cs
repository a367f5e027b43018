using System.Net;
using System.Text;
using Mesh.Actors.Persistence.Postgres;
using Mesh.Registry.Calls;
using Mesh.Registry.Http.Cluster;

namespace Mesh.Registry.Http.Tests.Cluster;

public sealed class ForwardingSealTests
{
    private static readonly LeaderSecret Secret = new([.. Enumerable.Range(0, LeaderSecret.Length).Select(static i => (byte)i)]);

    private static readonly RegistryRequest Request = new("GET", "/isToken?token=t", IPAddress.Parse("192.0.2.7")) { Mac = "bWFj", ForwardedFor = "198.51.100.1, 203.0.113.2" };

    public static TheoryData<string> Peers { get; } = ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7", "fe80::1%3"];

    [Theory, MemberData(nameof(Peers))]
    public void A_header_carries_the_peer(string peer)
    {
        RegistryRequest request = Request with { Peer = IPAddress.Parse(peer) };
        string header = new ForwardingSigner(Secret).HeaderFor(request);
        Assert.InRange(header.Length, 1, ForwardingSeal.MaxLength);
        Assert.Equal(ForwardingVerdict.Genuine, new ForwardingVerifier(Secret).Check(header, Request, out IPAddress found));
        Assert.Equal(Origins.Plain(request.Peer), found);
    }

    [Fact]
    public void Has_the_golden_mac() => Assert.Equal(
        "ACM5Sls7UPt4SB1EcravlYY4YS/SrGJrWIKfNnyc9y4=", ForwardingSeal.MacOf(Secret, "192.0.2.7 0123456789ABCDEF 42", Request));

    [Fact]
    public void A_header_is_good_once_and_in_any_order()
    {
        var signer = new ForwardingSigner(Secret);
        var verifier = new ForwardingVerifier(Secret);
        string[] headers = [.. Enumerable.Range(0, 1_000).Select(_ => signer.HeaderFor(Request))];
        new Random(20260101).Shuffle(headers);
        Assert.All(headers, h => Assert.Equal(ForwardingVerdict.Genuine, verifier.Check(h, Request, out _)));
        Assert.All(headers, h => Assert.Equal(ForwardingVerdict.Replayed, verifier.Check(h, Request, out _)));
        Assert.Equal(ForwardingVerdict.Genuine, verifier.Check(new ForwardingSigner(Secret).HeaderFor(Request), Request, out _));   // another process
    }

    [Fact]
    public void A_header_fits_one_request_and_one_leader()
    {
        string header = new ForwardingSigner(Secret).HeaderFor(Request);
        RegistryRequest[] others =
        [
            Request with { Verb = "PUT" }, Request with { Target = "/isToken?token=u" }, Request with { Mac = null }, Request with { Mac = "" }, Request with { Mac = "bWFk" },
            Request with { ForwardedFor = null }, Request with { ForwardedFor = "" }, Request with { ForwardedFor = "198.51.100.1" },
            Request with { Mac = "-", ForwardedFor = "bWFj\n+198.51.100.1, 203.0.113.2" },
        ];
        Assert.All(others, other => Assert.Equal(ForwardingVerdict.Foreign, new ForwardingVerifier(Secret).Check(header, other, out _)));
        Assert.Equal(ForwardingVerdict.Foreign, new ForwardingVerifier(LeaderSecret.Create()).Check(header, Request, out _));
        Assert.Equal(ForwardingVerdict.Genuine, new ForwardingVerifier(Secret).Check(header, Request, out _));
    }

    [Fact]
    public void No_changed_header_passes()
    {
        var random = new Random(20260102);
        string header = new ForwardingSigner(Secret).HeaderFor(Request);
        var verifier = new ForwardingVerifier(Secret);
        for (int i = 0; i < 20_000; i++)
        {
            var changed = new StringBuilder(header);
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                int at = random.Next(changed.Length);
                switch (random.Next(3))
                {
                    case 0:
                        changed[at] = (char)random.Next(1, 256);
                        break;
                    case 1:
                        _ = changed.Remove(at, 1);
                        break;
                    default:
                        _ = changed.Insert(at, (char)random.Next(1, 256));
                        break;
                }
            }

            // Hexadecimal digits of the sender may differ in case and change nothing.
            if (changed.ToString() is var text && !text.Equals(header, StringComparison.Ordinal))
                Assert.Equal(ForwardingVerdict.Foreign, verifier.Check(text, Request, out _));
        }

        Assert.Equal(ForwardingVerdict.Genuine, verifier.Check(header, Request, out _));
    }

    [Fact]
    public void Garbage_is_foreign()
    {
        var random = new Random(20260103);
        var verifier = new ForwardingVerifier(Secret);
        string[] odd = ["", " ", "   ", "a b c d", "192.0.2.7 0123456789ABCDEF -1 AAAA", "192.0.2.7 0123456789ABCDEF 18446744073709551615 AAAA", new string(' ', 500), "192.0.2.7  42 AAAA"];
        Assert.All(odd, header => Assert.Equal(ForwardingVerdict.Foreign, verifier.Check(header, Request, out _)));
        for (int i = 0; i < 5_000; i++)
        {
            char[] text = new char[random.Next(300)];
            for (int c = 0; c < text.Length; c++)
                text[c] = (char)random.Next(256);
            Assert.Equal(ForwardingVerdict.Foreign, verifier.Check(new string(text), Request, out _));
        }
    }

    [Fact]
    public void Senders_are_remembered_up_to_a_number_and_never_forgotten()
    {
        var verifier = new ForwardingVerifier(Secret);
        string first = new ForwardingSigner(Secret).HeaderFor(Request);
        Assert.Equal(ForwardingVerdict.Genuine, verifier.Check(first, Request, out _));
        for (int i = 1; i < ForwardingVerifier.MaxSenders; i++)
            Assert.Equal(ForwardingVerdict.Genuine, verifier.Check(new ForwardingSigner(Secret).HeaderFor(Request), Request, out _));
        Assert.Equal(ForwardingVerdict.Replayed, verifier.Check(new ForwardingSigner(Secret).HeaderFor(Request), Request, out _));
        Assert.Equal(ForwardingVerdict.Replayed, verifier.Check(first, Request, out _));
    }

    [Fact]
    public void All_settings_out_of_range_are_named()
    {
        var wrong = new ClusterOptions
        {
            ChangePatience = TimeSpan.FromSeconds(-1),
            ForwardTimeout = TimeSpan.Zero,
            ConnectTimeout = TimeSpan.Zero,
            MaxForwards = 0,
            MaxConnections = 0,
            HealthTimeout = TimeSpan.Zero,
        };
        Assert.Equal(6, wrong.Validate().Count());
        Assert.Empty(new ClusterOptions().Validate());
    }
}
