using System.Collections.Concurrent;
using Mesh.Actors;
using Mesh.Registry.Mail;

namespace Mesh.Registry.Http.Mail;

/// <summary>Mails that wait, and the threads that carry them out one after the other.</summary>
/// <param name="deliver">Returns when the mail is sent; throws a <see cref="MailException"/> where it cannot be.</param>
internal sealed class MailQueue : IMailPort, IDisposable
{
    private readonly BlockingCollection<(TokenMail Mail, ActorRef ReplyTo)> _waiting;
    private readonly Action<TokenMail> _deliver;
    private readonly Thread[] _threads;
    private volatile bool _isStopping;

    public MailQueue(Action<TokenMail> deliver, int threads, int capacity)
    {
        _deliver = deliver;
        _waiting = new BlockingCollection<(TokenMail, ActorRef)>(capacity);
        _threads = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            _threads[i] = new Thread(Serve) { Name = $"mail-{i + 1}", IsBackground = true };
            _threads[i].Start();
        }
    }

    /// <inheritdoc/>
    public void Send(TokenMail mail, ActorRef replyTo)
    {
        if (!TryAdd(mail, replyTo))
            replyTo.Tell(new MailFailed(_isStopping ? "the registry stops" : "too many mails wait already"));
    }

    /// <summary>Takes no more mails, refuses those that wait, and waits for those under way.</summary>
    public void Dispose()
    {
        if (_isStopping)
            return;
        _isStopping = true;
        _waiting.CompleteAdding();
        foreach (Thread thread in _threads)
            thread.Join();
        _waiting.Dispose();
    }

    private bool TryAdd(TokenMail mail, ActorRef replyTo)
    {
        try
        {
            return _waiting.TryAdd((mail, replyTo));
        }
        catch (InvalidOperationException)
        {
            return false;   // the queue was closed just now, or is gone
        }
    }

    private void Serve()
    {
        foreach ((TokenMail mail, ActorRef replyTo) in _waiting.GetConsumingEnumerable())
            replyTo.Tell(_isStopping ? new MailFailed("the registry stops") : Outcome(mail));
    }

    private MailOutcome Outcome(TokenMail mail)
    {
        try
        {
            _deliver(mail);
            return new MailSent();
        }
        catch (MailException e)
        {
            return new MailFailed(Printable(e.Message));
        }
        catch (Exception e)
        {
            return new MailFailed(Printable($"{e.GetType().Name}: {e.Message}"));   // a fault of ours; whoever asked has to be answered all the same
        }
    }

    // Servers say what they like.
    private static string Printable(string text) => string.Concat(text.Take(500).Select(static c => char.IsControl(c) ? ' ' : c));
}
