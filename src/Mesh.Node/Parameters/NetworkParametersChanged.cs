using Mesh.Protocol.Registry;

namespace Mesh.Node.Parameters;

/// <summary>Published on the event stream when the network's parameters are first known and whenever they change.</summary>
public sealed record NetworkParametersChanged(NetworkParameters Parameters);
