using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Security.Sessions;

namespace Mesh.Registry.Authority;

/// <summary>What the registry does with the key of the certificate authority and with secrets.</summary>
/// <remarks>
/// Apart from the properties and <see cref="RandomBytes"/> every member is slow (RSA): the actors call it on an
/// <see cref="Mesh.Actors.Ports.IWorkPool"/> only, on several threads at a time. Simulations may put a model in its place.
/// </remarks>
public interface IRegistryAuthority
{
    /// <summary>The network that the authority's serial number states.</summary>
    NetworkPrefix Network { get; }

    /// <summary>The authority's certificate, PEM.</summary>
    string CertificatePem { get; }

    /// <summary>End of the authority's own certificate: no certificate of a node lasts longer.</summary>
    DateTimeOffset NotAfter { get; }

    /// <summary>Secret octets, from the operating system on a real machine. Not slow.</summary>
    byte[] RandomBytes(int count);

    /// <summary>Makes a certificate for a request. A request that is not good is a value, for it comes from a stranger.</summary>
    IssueOutcome Issue(IssueOrder order);

    /// <summary>Whether a request is good and for the key of a certificate: then its sender is the owner of that certificate.</summary>
    bool IsForSameKey(string requestPem, string pem);

    /// <summary>Makes a certificate with the subject and the key of <paramref name="pem"/>, and another serial number and validity.</summary>
    /// <returns>The new certificate, PEM.</returns>
    string Renew(string pem, ulong serial, DateTimeOffset notBefore, DateTimeOffset notAfter);

    /// <summary>Signs the number of a version of the network's parameters.</summary>
    NetworkVersion SignVersion(ulong number);

    /// <summary>Signs that a certificate is revoked: see <see cref="Mesh.Security.RevocationNotice"/>.</summary>
    byte[] SignRevocation(ulong serial);

    /// <summary>Answer to a hello: <paramref name="key"/> encrypted for the node, and the authority's signature of that; both have the length of the RSA key.</summary>
    byte[] MakeHello(string pem, SessionKey key);

    /// <summary>Encrypts for the owner of a certificate.</summary>
    /// <param name="pem">The certificate.</param>
    /// <param name="plain">At most <see cref="MaxPlainLength"/> octets.</param>
    byte[] EncryptFor(string pem, ReadOnlyMemory<byte> plain);

    /// <summary>Octets that one encryption for the owner of a certificate holds: 245 with 2048 bits.</summary>
    int MaxPlainLength(string pem);
}

/// <summary>A certificate that is wanted.</summary>
/// <param name="RequestPem">The certificate signing request, as it came.</param>
/// <param name="Prefix">The node's prefix: the common name.</param>
/// <param name="SubjectSerial">The node's number: the subject's serialNumber.</param>
/// <param name="Serial">X.509 serial number.</param>
/// <param name="NotBefore">Begin of the validity.</param>
/// <param name="NotAfter">End of the validity.</param>
public sealed record IssueOrder(string RequestPem, NodePrefix Prefix, int SubjectSerial, ulong Serial, DateTimeOffset NotBefore, DateTimeOffset NotAfter);

/// <summary>What came of an <see cref="IssueOrder"/>.</summary>
public abstract record IssueOutcome
{
    private protected IssueOutcome()
    {
    }
}

/// <summary>The certificate.</summary>
/// <param name="Pem">As it is given out.</param>
public sealed record Issued(string Pem) : IssueOutcome;

/// <summary>The request is not good.</summary>
/// <param name="IsMalformed">True where it is not a request at all; false where it is one that the rules refuse.</param>
/// <param name="Reason">A sentence for a person.</param>
public sealed record RequestRefused(bool IsMalformed, string Reason) : IssueOutcome;
