using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;

namespace Mesh.Security;

/// <summary>Signs versions of the network's parameters with the key of the authority, and checks them.</summary>
public static class VersionSigner
{
    /// <summary>The version with a number; the same number always gives the same octets.</summary>
    public static NetworkVersion Sign(CertificateAuthority authority, ulong number)
    {
        ArgumentNullException.ThrowIfNull(authority);
        NetworkVersion unsigned = NetworkVersion.Create(number, []);
        return NetworkVersion.Create(number, authority.Key.Sign(unsigned.SignedOctets));
    }

    /// <summary>Whether the authority signed this version. The unsigned initial one is not valid.</summary>
    public static bool IsValid(NetworkVersion version, AuthorityCertificate authority)
    {
        ArgumentNullException.ThrowIfNull(version);
        ArgumentNullException.ThrowIfNull(authority);
        return authority.PublicKey.Verify(version.SignedOctets, version.Signature);
    }
}
