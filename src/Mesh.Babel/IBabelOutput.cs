namespace Mesh.Babel;

/// <summary>What a speaker does to the world. It is called during the speaker's inputs and must not call the speaker back.</summary>
public interface IBabelOutput
{
    /// <summary>Sends a UDP payload from the interface's own address, port 6696 to port 6696, hop limit 1.</summary>
    /// <param name="link">The interface.</param>
    /// <param name="destination"><see cref="BabelAddress.Multicast"/> or a neighbour's link-local address.</param>
    /// <param name="payload">Valid during the call only.</param>
    /// <remarks>Where there are keys, the payload is signed for just this source and destination.</remarks>
    void Send(InterfaceId link, BabelAddress destination, ReadOnlySpan<byte> payload);

    /// <summary>The way to these prefixes changed: another next hop, no route any more, or a hold that began or ended. Ask the speaker for the new state.</summary>
    /// <param name="routes">Prefixes, some with a source, each pair once; valid during the call only.</param>
    void RoutesChanged(ReadOnlySpan<RouteKey> routes);
}
