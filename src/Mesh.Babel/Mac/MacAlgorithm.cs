namespace Mesh.Babel.Mac;

/// <summary>How a MAC is computed (RFC 8967 section 4.1). Not negotiated: a key has one.</summary>
public enum MacAlgorithm
{
    /// <summary>Keyed BLAKE2s with a digest of 16 octets, which is not half of one of 32. Key: 1..32 octets. What re6st uses.</summary>
    Blake2s128,

    /// <summary>HMAC with SHA-256, 32 octets. Key: 1..64 octets; babeld refuses longer ones too. Every implementation knows it.</summary>
    HmacSha256,
}
