using System.Collections.Concurrent;
using Mesh.Actors;
using Mesh.Registry.Mail;

namespace Mesh.Registry.Http.Tests.Mail;

/// <summary>Collects what becomes of mails, from whatever thread.</summary>
internal sealed class Outcomes : ActorRef
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly BlockingCollection<MailOutcome> _outcomes = [];

    public override string Path => "/outcomes";

    public int WaitingCount => _outcomes.Count;

    public override void Tell(object message) => Tell(message, sender: null);

    public override void Tell(object message, ActorRef? sender) => _outcomes.Add((MailOutcome)message);

    /// <summary>The next outcome.</summary>
    public MailOutcome Take() => _outcomes.TryTake(out MailOutcome? outcome, Patience) ? outcome : throw new TimeoutException("no outcome of a mail");

    /// <summary>The reason of the next outcome, which has to be a failure.</summary>
    public string TakeFailure() => Assert.IsType<MailFailed>(Take()).Reason;
}
