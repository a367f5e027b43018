namespace Mesh.Protocol.Tunnel;

/// <summary>How the datagrams of a tunnel are sealed. The values are on the wire; 0 is never used.</summary>
/// <remarks>A value that is not listed here may be offered by a newer peer; it is kept and not chosen.</remarks>
public enum SealingCipher : byte
{
    /// <summary>AES-256 in Galois/Counter Mode.</summary>
    Aes256Gcm = 1,

    /// <summary>ChaCha20-Poly1305 (RFC 8439), for machines without AES instructions.</summary>
    ChaCha20Poly1305 = 2,

    /// <summary>AES-256 GMAC: packets are authenticated but not hidden, for networks that do not ask for encryption.</summary>
    Aes256Gmac = 3,
}
