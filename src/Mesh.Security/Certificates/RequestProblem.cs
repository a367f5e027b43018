namespace Mesh.Security.Certificates;

/// <summary>Why no certificate is issued for a request.</summary>
public enum RequestProblem
{
    /// <summary>There is no problem.</summary>
    None,

    /// <summary>It is not a PKCS#10 request.</summary>
    Malformed,

    /// <summary>The signature was not made with the key of the request: the sender may not have that key.</summary>
    BadSignature,

    /// <summary>The key is not RSA.</summary>
    NotRsa,

    /// <summary>The key has not the size of the authority's.</summary>
    WrongKeySize,

    /// <summary>The public exponent is too small to protect what others encrypt for the node.</summary>
    WeakExponent,

    /// <summary>The subject can not be understood without doubt.</summary>
    BadSubject,
}
