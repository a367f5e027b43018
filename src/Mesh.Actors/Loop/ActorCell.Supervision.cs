namespace Mesh.Actors.Loop;

/// <content>What happens when a handler throws, and the stash.</content>
internal sealed partial class ActorCell
{
    // An instance that was read back in part must not handle messages.
    private bool IsResumable => Actor is not null and not Persistence.PersistentActor { IsReplaying: true };

    /// <summary>The actor threw while it handled <paramref name="message"/>. Its supervisor decides.</summary>
    /// <param name="reason">What was thrown.</param>
    /// <param name="message">What was handled, or null.</param>
    /// <param name="isEscalated">True where a child threw and this actor would not decide.</param>
    public void Fail(Exception reason, object? message, bool isEscalated = false)
    {
        if (_state is CellState.Stopped)
        {
            Log.Error($"failed while it stopped: {reason.Message}", reason);
            return;
        }

        if (_state is CellState.Stopping)
        {
            Log.Error($"failed while it stopped: {reason.Message}", reason);
            FinishStopping();
            return;
        }

        ActorSystem system = Loop.System;
        SupervisorStrategy strategy = StrategyFor(reason);
        Directive directive = DecideAndCount(strategy, reason);
        system.OnFailure(this, reason, message, directive);
        switch (directive)
        {
            case Directive.Resume when isEscalated:
                break;   // it was not this actor that failed: what it waits for is still on its way
            case Directive.Resume when IsResumable:
                Unsuspend();
                break;
            case Directive.Restart:
                Restart(strategy, reason, message);
                break;
            case Directive.Escalate when _parent is { Actor: not null }:
                _parent.Fail(reason, message, isEscalated: true);
                if (isEscalated)
                    break;
                if (IsResumable)
                    Unsuspend();   // unless the decision above has stopped it
                else
                    StopSelf();
                break;
            default:
                // Stop; or nothing to resume, because the constructor or the recovery failed; or nobody above to escalate to.
                StopSelf();
                break;
        }
    }

    public void Stash()
    {
        EnvelopeQueue stash = Extras.Stash ??= new EnvelopeQueue(4);
        if (stash.Count >= Loop.System.Options.StashCapacity)
            throw new StashOverflowException($"{Path} has {stash.Count} messages stashed and takes no more");
        stash.Enqueue(this, Loop.Message!, Loop.Sender);
    }

    public void UnstashAll()
    {
        if (_extras?.Stash is not { Count: > 0 } stash)
            return;
        Envelope[] stashed = stash.TakeBackTo(stash.Tail - stash.Count);
        EnvelopeQueue waiting = _extras.Waiting ??= new EnvelopeQueue(stashed.Length);
        for (int i = stashed.Length - 1; i >= 0; i--)
            waiting.PushFront(stashed[i]);
        if (_state == CellState.Live)
            Loop.Resume(this);
    }

    private SupervisorStrategy StrategyFor(Exception reason)
    {
        try
        {
            return _parent?.Actor?.SupervisorStrategy ?? SupervisorStrategy.Default;
        }
        catch (Exception e)
        {
            Log.Error($"the supervisor's strategy failed ({e.Message}) while it looked at: {reason.Message}", e);
            return SupervisorStrategy.Stopping;
        }
    }

    private Directive DecideAndCount(SupervisorStrategy strategy, Exception reason)
    {
        Directive directive;
        try
        {
            directive = strategy.Decider(reason);
        }
        catch (Exception e)
        {
            Log.Error($"the supervisor's decider failed: {e.Message}", e);
            return Directive.Stop;
        }

        if (directive != Directive.Restart)
            return directive;
        CellExtras extras = Extras;
        if (Loop.Now - extras.AliveSince > strategy.ResetAfter)
            extras.Restarts = 0;
        extras.Restarts++;
        return extras.Restarts > strategy.MaxRestarts ? Directive.Stop : Directive.Restart;
    }

    private void Restart(SupervisorStrategy strategy, Exception reason, object? message)
    {
        if (strategy.AppliesToSiblings && _parent is not null)
        {
            foreach (ActorRef sibling in _parent.Children)
            {
                if (sibling != this && ((ActorCell)sibling)._state is CellState.Live or CellState.Suspended)
                    ((ActorCell)sibling).RestartAfter(strategy, reason, message: null);
            }
        }

        RestartAfter(strategy, reason, message);
    }

    private void RestartAfter(SupervisorStrategy strategy, Exception reason, object? message)
    {
        _state = CellState.Suspended;
        ActorCell? outer = Loop.RunAs(this);
        try
        {
            Actor?.PreRestart(reason, message);
        }
        catch (Exception e)
        {
            Log.Error($"PreRestart failed: {e.Message}", e);
        }
        finally
        {
            Loop.RunAs(outer);
        }

        (Actor as Persistence.PersistentActor)?.Abandon();
        if (_state != CellState.Suspended)
            return;   // PreRestart stopped the actor
        Actor = null;
        CancelTimers();
        UnstashAll();
        TimeSpan delay = strategy.BackoffFor(Math.Max(1, Extras.Restarts), Loop.Random);
        long now = Loop.Now.Ticks;
        long due = TimingWheel.DueAfter(now, delay.Ticks);
        Extras.AliveSince = new TimeSpan(due);
        Extras.RestartTimer = Loop.Timers.Arm(now, due, this, new RestartMessage(reason), SystemMessage.Mark, named: false);
    }
}
