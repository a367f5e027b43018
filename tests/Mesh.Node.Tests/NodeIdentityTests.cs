using Mesh.Protocol.Addressing;
using Mesh.Security.Certificates;

namespace Mesh.Node.Tests;

public sealed class NodeIdentityTests
{
    private static readonly DateTimeOffset Now = Identities.Now;

    private static readonly HashSet<ulong> Nobody = [];

    [Fact]
    public void It_says_who_the_node_is()
    {
        NodeIdentity a = Identities.A;
        Assert.Equal(("1/16", "2001:db8:42:1::1", "2001:db8:42::/48"), (a.Prefix.CommonName, a.Address.ToString(), a.Network.ToString()));
    }

    [Fact]
    public void A_key_of_somebody_else_is_refused()
    {
        var problem = Assert.Throws<ArgumentException>(() => new NodeIdentity(Identities.Verifier, Identities.A.Certificate, Identities.B.Key, Now));
        Assert.Contains("the private key does not belong to the node's certificate", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_of_another_network_is_refused()
    {
        var problem = Assert.Throws<ArgumentException>(() =>
            new NodeIdentity(Identities.Verifier, Identities.CertificateOf(Identities.Foreign), Identities.KeyOf(Identities.Foreign), Now));
        Assert.Contains("another network's authority issued it", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_own_certificate_that_has_expired_does_not_keep_the_node_from_starting_so_that_it_can_renew()
    {
        DateTimeOffset late = Identities.A.Certificate.NotAfter.AddDays(1);
        Assert.Equal(Identities.A.Prefix, new NodeIdentity(Identities.Verifier, Identities.A.Certificate, Identities.A.Key, late).Prefix);
    }

    [Fact]
    public void An_own_certificate_of_the_future_says_that_the_clock_may_be_wrong()
    {
        DateTimeOffset early = Identities.A.Certificate.NotBefore.AddDays(-1);
        var problem = Assert.Throws<ArgumentException>(() => new NodeIdentity(Identities.Verifier, Identities.A.Certificate, Identities.A.Key, early));
        Assert.Matches("not valid (yet|at this time)", problem.Message);
    }

    [Fact]
    public void A_peer_is_identified_by_its_certificate()
    {
        Assert.True(Identities.A.TryIdentify(Identities.B.Certificate.Der.AsSpan(), Now, Nobody, out NodePrefix peer, out string problem), problem);
        Assert.Equal((Identities.B.Prefix, ""), (peer, problem));
    }

    [Fact]
    public void Peers_are_refused_with_a_sentence()
    {
        ReadOnlySpan<byte> b = Identities.B.Certificate.Der.AsSpan();
        Assert.Contains("it is malformed", Refusal(b[..^1]), StringComparison.Ordinal);
        Assert.Contains("it is malformed", Refusal([]), StringComparison.Ordinal);
        Assert.Contains("another network's authority issued it", Refusal(Identities.CertificateOf(Identities.Foreign).Der.AsSpan()), StringComparison.Ordinal);
        Assert.Equal($"its certificate for {Identities.B.Prefix} is refused: it has been revoked", Refusal(b, revoked: 3));
        Assert.Contains("refused", Refusal(b, at: Identities.B.Certificate.NotAfter.AddSeconds(1)), StringComparison.Ordinal);
        Assert.Contains("refused", Refusal(b, at: Identities.B.Certificate.NotBefore.AddSeconds(-1)), StringComparison.Ordinal);
        Assert.Equal("it is ourselves", Refusal(Identities.A.Certificate.Der.AsSpan()));
        byte[] tampered = [.. b];
        tampered[^1] ^= 1;
        Assert.Contains("the authority did not sign it", Refusal(tampered), StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_that_has_expired_says_so()
    {
        NodeCertificate expired = Identities.Authority.Renew(Identities.B.Certificate, 77, Now.AddDays(-10), Now.AddDays(-1));
        Assert.Contains("it has expired", Refusal(expired.Der.AsSpan()), StringComparison.Ordinal);
        NodeCertificate fresh = Identities.Authority.Renew(Identities.B.Certificate, 77, Now + NodeIdentity.ClockTolerance, Now.AddDays(2));
        Assert.True(Identities.A.TryIdentify(fresh.Der.AsSpan(), Now, Nobody, out _, out _));
        Assert.Contains("revoked", Refusal(fresh.Der.AsSpan(), revoked: 77), StringComparison.Ordinal);
        NodeCertificate future = Identities.Authority.Renew(Identities.B.Certificate, 77, Now.AddDays(1), Now.AddDays(2));
        Assert.Contains("is the clock right?", Refusal(future.Der.AsSpan()), StringComparison.Ordinal);
    }

    private static string Refusal(ReadOnlySpan<byte> der, ulong? revoked = null, DateTimeOffset? at = null)
    {
        HashSet<ulong> serials = revoked is { } serial ? [serial] : [];
        Assert.False(Identities.A.TryIdentify(der, at ?? Now, serials, out _, out string problem));
        return problem;
    }
}
