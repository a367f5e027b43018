namespace Mesh.Protocol.Peer;

/// <summary>What a message between nodes is about: its first octet (protocol reference 4.4). Codes that a node does not know are acknowledged and nothing else.</summary>
public static class PeerCode
{
    /// <summary>Data: a network version. Answer: the own version where it is newer than a valid received one. From the registry without data: ask for the parameters.</summary>
    public const byte NetworkVersion = 0;

    /// <summary>Without data: where can you be reached? Answer and data: an address list.</summary>
    public const byte Address = 1;

    /// <summary>The side that opened a tunnel of OpenVPN wants to close it, and uses it no more. Data: none, or between our own nodes <see cref="TunnelKill"/>; then either side may ask.</summary>
    public const byte KillRequest = 2;

    /// <summary>The side that serves the tunnel agrees, and uses it no more. Data: none, or the request's <see cref="TunnelKill"/> and whether it agrees.</summary>
    public const byte KillAnswer = 3;

    /// <summary>Without data: what software do you run? Answer: <see cref="NodeInformation"/>.</summary>
    public const byte NodeInformation = 4;

    /// <summary>Without data: with whom do you have tunnels? Answer, to the registry's node only: <see cref="TopologyReport"/>.</summary>
    public const byte Topology = 5;

    /// <summary>Data: a text for the log of the registry's node. No answer.</summary>
    public const byte Log = 7;

    /// <summary>Our own, which nodes of re6st acknowledge and ignore. Data: <see cref="PeerCapabilities"/>. Answer: the own ones.</summary>
    public const byte Capabilities = 0x4D;

    /// <summary>Set in a code: the answer is for the program on the sender's machine that asked.</summary>
    public const byte Forwarded = 0x80;
}
