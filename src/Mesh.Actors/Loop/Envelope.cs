namespace Mesh.Actors.Loop;

/// <summary>A message on its way: who gets it and who sent it. A struct, so that delivery allocates nothing.</summary>
internal struct Envelope
{
    public ActorCell Target;
    public object Message;

    /// <summary>The sender, null for none, or <see cref="SystemMessage.Mark"/> where the message is the kernel's own.</summary>
    public ActorRef? Sender;
}
