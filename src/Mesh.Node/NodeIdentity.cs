using System.Diagnostics.CodeAnalysis;
using Mesh.Protocol.Addressing;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Node;

/// <summary>Who this node is: its certificate, its key and the authority that vouches for it.</summary>
public sealed class NodeIdentity
{
    /// <summary>How far our clock may be behind the authority's before a certificate that is too new is refused. The authority has signed it, so it is genuine; without
    /// this a machine whose clock is a second behind could not join.</summary>
    public static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(15);

    private static readonly IReadOnlySet<ulong> NobodyRevoked = new HashSet<ulong>();

    /// <summary>Makes an identity.</summary>
    /// <exception cref="ArgumentException">The certificate is not of this network: the message says why.</exception>
    public NodeIdentity(CertificateVerifier verifier, NodeCertificate certificate, PrivateKey key, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(verifier);
        ArgumentNullException.ThrowIfNull(certificate);
        ArgumentNullException.ThrowIfNull(key);
        if (!key.PublicKey.Equals(certificate.PublicKey))
            throw new ArgumentException("the private key does not belong to the node's certificate", nameof(key));
        // An expired own certificate must not keep the node from asking for a renewal. Where the authority's was renewed after that, there is no time at which both were valid.
        CertificateVerdict verdict = verifier.Verify(certificate, verifier.TimeForOwn(certificate, TolerantTime(certificate, now)), NobodyRevoked);
        if (verdict is not (CertificateVerdict.Valid or CertificateVerdict.Expired))
            throw new ArgumentException($"the node's certificate is refused: {Describe(verdict)}", nameof(certificate));
        (Verifier, Certificate, Key) = (verifier, certificate, key);
    }

    /// <summary>Judges certificates.</summary>
    public CertificateVerifier Verifier { get; }

    /// <summary>Our certificate.</summary>
    public NodeCertificate Certificate { get; }

    /// <summary>Our key.</summary>
    public PrivateKey Key { get; }

    /// <summary>The overlay network.</summary>
    public NetworkPrefix Network => Verifier.Network;

    /// <summary>Our prefix.</summary>
    public NodePrefix Prefix => Certificate.Prefix;

    /// <summary>Our overlay address.</summary>
    public Ipv6Address Address => Prefix.NodeAddress(Network);

    /// <summary>Judges a peer's certificate.</summary>
    /// <param name="der">Anything that came from the network.</param>
    /// <param name="now">The wall clock.</param>
    /// <param name="revokedSerials">The revocation list.</param>
    /// <param name="peer">The peer's prefix.</param>
    /// <param name="problem">Why it is refused: a sentence.</param>
    public bool TryIdentify(ReadOnlySpan<byte> der, DateTimeOffset now, IReadOnlySet<ulong> revokedSerials, out NodePrefix peer, out string problem)
    {
        bool isGood = TryVerify(der, now, revokedSerials, out NodeCertificate? certificate, out problem);
        peer = certificate?.Prefix ?? default;
        return isGood;
    }

    /// <summary>Judges a peer's certificate.</summary>
    /// <param name="der">Anything that came from the network.</param>
    /// <param name="now">The wall clock.</param>
    /// <param name="revokedSerials">The revocation list.</param>
    /// <param name="certificate">The certificate where it could be read, whether it is refused or not.</param>
    /// <param name="problem">Why it is refused: a sentence.</param>
    public bool TryVerify(
        ReadOnlySpan<byte> der, DateTimeOffset now, IReadOnlySet<ulong> revokedSerials, [NotNullWhen(true)] out NodeCertificate? certificate, out string problem)
    {
        CertificateVerdict verdict = Verifier.Verify(der, now, revokedSerials, out certificate);
        if (verdict == CertificateVerdict.NotYetValid)
            verdict = Verifier.Verify(certificate!, TolerantTime(certificate!, now), revokedSerials);
        problem = verdict == CertificateVerdict.Valid ? "" : $"its certificate{(certificate is null ? "" : $" for {certificate.Prefix}")} is refused: {Describe(verdict)}";
        if (verdict == CertificateVerdict.Valid && certificate!.Prefix == Prefix)
            problem = "it is ourselves";
        return problem.Length == 0;
    }

    /// <summary>When to judge a certificate: now, or the first instant of its validity where that is at most <see cref="ClockTolerance"/> ahead.</summary>
    internal static DateTimeOffset TolerantTime(NodeCertificate certificate, DateTimeOffset now) =>
        certificate.NotBefore > now && certificate.NotBefore - now <= ClockTolerance ? certificate.NotBefore : now;

    /// <summary>The verdict as the end of a sentence.</summary>
    internal static string Describe(CertificateVerdict verdict) => verdict switch
    {
        CertificateVerdict.Malformed => "it is malformed",
        CertificateVerdict.UnknownIssuer => "another network's authority issued it",
        CertificateVerdict.BadSignature => "the authority did not sign it",
        CertificateVerdict.AuthorityNotValid => "the authority's own certificate is not valid at this time",
        CertificateVerdict.NotYetValid => "it is not valid yet; is the clock right?",
        CertificateVerdict.Expired => "it has expired",
        CertificateVerdict.Revoked => "it has been revoked",
        CertificateVerdict.WrongKeySize => "its key does not have the size of the network's keys",
        CertificateVerdict.PrefixTooLong => "its prefix does not fit into the network",
        _ => verdict.ToString(),
    };
}
