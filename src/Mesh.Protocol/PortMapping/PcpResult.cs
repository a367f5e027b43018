namespace Mesh.Protocol.PortMapping;

/// <summary>What a PCP server says to a request (RFC 6887 section 7.4).</summary>
public enum PcpResult : byte
{
    /// <summary>It is done.</summary>
    Success = 0,

    /// <summary>The server does not speak this version.</summary>
    UnsupportedVersion = 1,

    /// <summary>The server's policy forbids it, or the mapping is another client's.</summary>
    NotAuthorized = 2,

    /// <summary>The request could not be read.</summary>
    MalformedRequest = 3,

    /// <summary>The server does not know the opcode.</summary>
    UnsupportedOpcode = 4,

    /// <summary>The server does not know a mandatory option.</summary>
    UnsupportedOption = 5,

    /// <summary>An option could not be read.</summary>
    MalformedOption = 6,

    /// <summary>The server has no address at its other side at present.</summary>
    NetworkFailure = 7,

    /// <summary>The server has no room at present.</summary>
    NoResources = 8,

    /// <summary>The server does not map this transport protocol.</summary>
    UnsupportedProtocol = 9,

    /// <summary>This client has as many mappings as it may.</summary>
    QuotaExceeded = 10,

    /// <summary>The suggested port or address is not free.</summary>
    CannotProvideExternal = 11,

    /// <summary>The request's source address is not the client's address in it: there is a NAT in between.</summary>
    AddressMismatch = 12,

    /// <summary>Too many remote peers in filters.</summary>
    ExcessiveRemotePeers = 13,
}
