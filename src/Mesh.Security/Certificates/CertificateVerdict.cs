namespace Mesh.Security.Certificates;

/// <summary>What is to be said about the certificate of a peer.</summary>
public enum CertificateVerdict
{
    /// <summary>It may be trusted.</summary>
    Valid,

    /// <summary>It is not the certificate of a node: see <see cref="NodeCertificate.TryParse"/>.</summary>
    Malformed,

    /// <summary>None of the authorities is its issuer.</summary>
    UnknownIssuer,

    /// <summary>An authority is named as its issuer but did not sign it.</summary>
    BadSignature,

    /// <summary>The authority that signed it is not valid at the time.</summary>
    AuthorityNotValid,

    /// <summary>Its validity has not begun.</summary>
    NotYetValid,

    /// <summary>Its validity is over.</summary>
    Expired,

    /// <summary>Its serial number is in the revocation list.</summary>
    Revoked,

    /// <summary>Its key has another size than that of the authority.</summary>
    WrongKeySize,

    /// <summary>Its prefix does not fit in the network.</summary>
    PrefixTooLong,

    /// <summary>The address that the peer uses is not one of its prefix.</summary>
    ForeignAddress,
}
