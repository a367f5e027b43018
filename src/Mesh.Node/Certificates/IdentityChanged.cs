namespace Mesh.Node.Certificates;

/// <summary>Published on the event stream when this node's certificate or its authority's has been renewed and is stored. Key and prefix are the same.</summary>
/// <param name="Identity">Who we are from now on.</param>
public sealed record IdentityChanged(NodeIdentity Identity);
